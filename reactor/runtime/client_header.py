"""The header by which clients say what they are: `Convex-Client: npm-1.48.0`.

The version is the longest ending of the text, after a dash, that is one
(get-convex/convex-backend, crates/common/src/version.rs).
"""

import re
from functools import lru_cache

__all__ = ["Version", "parse_client", "parse_version"]

Version = tuple[int, int, int]

_SEMVER = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+.]?[0-9A-Za-z.+-]*)?")
_HEADER = re.compile(r"(.+?)-(\d{1,9}\.\d{1,9}\.\d{1,9}.*)")


@lru_cache(maxsize=256)
def parse_client(header: str) -> tuple[str, Version]:
    """Name and version. Raises ValueError when there is no version in it."""
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError(header)
    return match[1], parse_version(match[2])


def parse_version(text: str) -> Version:
    """A semantic version's three numbers. Raises ValueError when it is none."""
    match = _SEMVER.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1]), int(match[2]), int(match[3])
