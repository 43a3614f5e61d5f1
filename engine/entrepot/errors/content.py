"""Transfers and the data folder."""

from __future__ import annotations

from entrepot.errors.error import EntrepotError


class FetchError(EntrepotError):
    """A transfer failed."""

    code, status = "PLP2020", 502


class FetchRefused(FetchError):
    """The address may not be fetched: its scheme, host or redirect is not allowed."""

    code, status = "PLP2021", 400


class FetchAnswered(FetchError):
    """The feed's server answered with an error status."""

    code = "PLP2022"


class FetchTimedOut(FetchError):
    """The transfer did not end in time, or was slower than the lowest speed allowed."""

    code, status = "PLP2023", 504


class SizeDiffers(FetchError):
    """The bytes received are more or fewer than promised."""

    code = "PLP2024"


class ChecksumDiffers(FetchError):
    """The bytes received do not have the promised checksum."""

    code = "PLP1013"


class UpstreamFailed(FetchError):
    """What is fetched when it is first asked for could not be had from any feed."""

    code = "PLP2025"


class UpstreamTimedOut(UpstreamFailed):
    """The feed did not give in time what is fetched when it is first asked for."""

    code, status = "PLP2026", 504


class StorageError(EntrepotError):
    """The data folder failed."""

    code = "PLP2030"


class StorageFull(StorageError):
    """No space is left in the data folder."""

    code, status = "PLP2031", 507


class StorageUnwritable(StorageError):
    """The data folder cannot be written."""

    code = "PLP2032"


class BytesUnavailable(StorageError):
    """The bytes of a published file are not in the store, and no feed is known to offer them."""

    code = "PLP2033"
