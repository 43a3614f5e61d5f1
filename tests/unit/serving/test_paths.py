"""Which requested paths are looked up."""

from __future__ import annotations

import pytest

from entrepot.serving.paths import MAX_PATH_CHARACTERS, RequestedPath, requested_path


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        ("", RequestedPath("", is_folder=True)),
        ("/", RequestedPath("", is_folder=True)),
        ("zoo", RequestedPath("zoo", is_folder=False)),
        ("zoo/", RequestedPath("zoo", is_folder=True)),
        ("zoo//a///b.iso", RequestedPath("zoo/a/b.iso", is_folder=False)),
        ("zoo/a b/ünï.iso", RequestedPath("zoo/a b/ünï.iso", is_folder=False)),
        ("zoo/./a", RequestedPath("zoo/a", is_folder=False)),
        ("zoo/..data/...", RequestedPath("zoo/..data/...", is_folder=False)),
    ],
)
def test_slashes_are_collapsed_and_the_last_one_means_a_folder(decoded: str, expected: RequestedPath) -> None:
    assert requested_path(decoded) == expected


@pytest.mark.parametrize("decoded", ["..", "zoo/../etc/passwd", "zoo/a/..", "zoo/a\0b", "zoo/a\nb", "zoo/\x7f"])
def test_a_path_that_nothing_can_be_published_at_is_refused(decoded: str) -> None:
    assert requested_path(decoded) is None


@pytest.mark.parametrize("raw", [b"/content/zoo%2Fa", b"/content/zoo/%2f..%2fetc"])
def test_an_encoded_slash_is_refused(raw: bytes) -> None:
    assert requested_path("zoo/a", raw) is None


def test_a_path_longer_than_any_file_system_allows_is_refused() -> None:
    assert requested_path("a" * MAX_PATH_CHARACTERS) is not None
    assert requested_path("a" * (MAX_PATH_CHARACTERS + 1)) is None
