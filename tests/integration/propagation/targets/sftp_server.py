"""A server that speaks SFTP, over a folder, in threads of this process: paramiko's own server side."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import paramiko


class SftpServer:
    """It listens on loopback while it is entered; `fault` is what goes wrong with what is written."""

    def __init__(self, root: Path, *, user: str, password: str, host_key: paramiko.PKey) -> None:
        self.root, self.user, self.password, self.host_key = root, user, password, host_key
        self.authorized_key: paramiko.PKey | None = None
        self.fault = ""
        self.port = 0
        self._transports = list[paramiko.Transport]()

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody, and listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for transport in self._transports:
            transport.close()
            transport.join()
        self._transports.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder, self)
            self._transports.append(transport)
            transport.start_server(event=threading.Event(), server=_Logins(self))


class _Logins(paramiko.ServerInterface):
    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def check_auth_password(self, username: str, password: str) -> int:
        is_right = (username, password) == (self._server.user, self._server.password)
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        is_right = username == self._server.user and key == self._server.authorized_key
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Written(paramiko.SFTPHandle):
    def __init__(self, server: SftpServer, flags: int) -> None:
        super().__init__(flags)
        self._server = server

    def write(self, offset: int, data: bytes) -> int:
        fault = self._server.fault
        if fault == "full":
            return paramiko.SFTP_FAILURE
        if fault == "short" and offset == 0:
            data = data[:-1]
        if fault == "wrong" and offset == 0:
            data = b"?" + data[1:]
        return super().write(offset, data)

    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Folder(paramiko.SFTPServerInterface):
    def __init__(self, _logins: paramiko.ServerInterface, server: SftpServer) -> None:
        self._server = server

    def _place(self, path: str) -> str:
        return f"{self._server.root}{self.canonicalize(path)}"

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            return [paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name) for entry in os.scandir(self._place(path))]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(os.lstat(self._place(path)))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        try:
            descriptor = os.open(self._place(path), flags, 0o644)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        handle = _Written(self._server, flags)
        handle.filename = path
        file = os.fdopen(descriptor, "wb" if flags & (os.O_WRONLY | os.O_RDWR) else "rb")
        handle.readfile = handle.writefile = file
        return handle

    def remove(self, path: str) -> int:
        return self._try(os.remove, self._place(path))

    def rename(self, oldpath: str, newpath: str) -> int:
        return paramiko.SFTP_OP_UNSUPPORTED

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        return self._try(os.replace, self._place(oldpath), self._place(newpath))

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        return self._try(os.mkdir, self._place(path))

    def rmdir(self, path: str) -> int:
        return self._try(os.rmdir, self._place(path))

    def _try(self, change, *places: str) -> int:
        try:
            change(*places)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return paramiko.SFTP_OK
