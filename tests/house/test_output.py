"""Only the command line prints; a process may announce itself on standard error, and everything else reports or logs."""

from __future__ import annotations

import ast


def is_announcement(call: ast.Call) -> bool:
    return any(keyword.arg == "file" and ast.unparse(keyword.value) == "sys.stderr" for keyword in call.keywords)


def test_nothing_but_the_command_line_prints(modules) -> None:
    printers = [
        module.place(call)
        for module in modules
        for call, name in module.calls()
        if name == "print" and module.room != "cli" and not (module.room in ("processes", "web") and is_announcement(call))
    ]

    assert printers == []
