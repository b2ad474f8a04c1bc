"""Words of a text, as an index and a search see them.

As in get-convex/convex-backend, crates/search/src: split at everything that is no letter or digit, in lower case, words
above 32 bytes dropped. No stemming, no stop words.
"""

import re
from collections import Counter

__all__ = ["LONGEST", "counted", "tokens"]

LONGEST = 32
"""Bytes of a word; longer ones are not found."""

_WORD = re.compile(r"[^\W_]+")


def tokens(text: str) -> list[str]:
    """The words of a text in their order."""
    found = _WORD.findall(text.lower())
    if text.isascii():
        return [word for word in found if len(word) <= LONGEST]
    return [word for word in found if len(word) <= LONGEST and len(word.encode()) <= LONGEST]


def counted(text: str) -> Counter[str]:
    """How often each word occurs in a text."""
    return Counter(tokens(text))
