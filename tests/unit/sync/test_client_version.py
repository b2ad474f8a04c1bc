"""Who is let in, and who gets large transitions in pieces."""

import pytest

from reactor.sync.client_version import check_version, understands_chunks
from reactor.sync.connection import Refusal


@pytest.mark.parametrize(
    ("header", "path"),
    [
        (None, None),
        (None, "1.48.0"),
        (None, "1.28.0-alpha.3"),
        ("python-0.8.1", None),
        ("npm-0.19.2", None),
        ("my-own-tool-1.2.3", None),
        ("swift-0.0.1", None),
        ("python-0.8.1", "nonsense"),
    ],
)
def test_served(header: str | None, path: str | None):
    assert check_version(header, path) == {}


def test_served_and_told_to_upgrade():
    told = check_version("python-0.2.0", None)
    assert isinstance(told, dict)
    assert told["x-convex-deprecation-state"] == "UpgradeRequired"
    assert "upgrade" in told["x-convex-deprecation-message"]


@pytest.mark.parametrize(
    ("header", "path"), [("npm", None), ("", None), (None, "latest"), (None, "1.2"), ("x-1", None)]
)
def test_versions_that_are_none(header: str | None, path: str | None):
    refusal = check_version(header, path)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.body["code"]) == (400, "InvalidClientVersion")


@pytest.mark.parametrize(("header", "path"), [("npm-0.19.1", None), (None, "0.1.0"), ("python-0.0.2", None)])
def test_versions_that_are_too_old(header: str | None, path: str | None):
    refusal = check_version(header, path)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.body["code"]) == (400, "ClientVersionUnsupported")
    assert refusal.headers["x-convex-deprecation-state"] == "Unsupported"
    assert "upgrade" in refusal.headers["x-convex-deprecation-message"]


@pytest.mark.parametrize(
    ("header", "path", "understands"),
    [
        (None, "1.28.0", True),
        (None, "1.48.0", True),
        (None, "2.0.0", True),
        (None, "1.27.9", False),
        ("npm-1.28.0", None, True),
        ("python-1.28.0", None, False),
        ("python-0.8.1", "1.48.0", False),
        (None, None, False),
    ],
)
def test_pieces_are_for_npm_from_1_28(header: str | None, path: str | None, understands: bool):
    assert understands_chunks(header, path) is understands
