"""Which documents a text search finds, and in what order: from postings, the best of each word.

Postings stand in the order in which they matter, so a few of each word are read, and more only as long as a document
that has not been seen could still belong to those that were asked for. What a word adds to a document behind the last
posting that was read is not known from postings; it is looked up in the documents themselves for those at the top.
"""

from collections.abc import Sequence
from typing import NamedTuple

from reactor.database.catalog import TableInfo
from reactor.database.derived import DerivedIndex
from reactor.database.search_query import Search
from reactor.database.total_tree import TotalTree
from reactor.database.transaction import Transaction
from reactor.search.postings import EVERYTHING, Posting, postings, scope, word_in
from reactor.search.scoring import Statistics, impact
from reactor.search.tokens import counted, tokens
from reactor.values import encode_value, prefix_end
from reactor.values.field_paths import field_getter

__all__ = ["CANDIDATES", "Ranked", "Ranking"]

CANDIDATES = 1_024
"""So many documents a search can find, and so many postings of a word are read."""

_MOST_WORDS, _EXPANSIONS = 16, 16
_HALF = 0.5
_COUNTED = 20_000
"""A word in so many documents says little, and is not counted further."""

_FIRST, _GROWTH = 128, 8
"""So many postings of a word are read at first, and so many times as many when they are not enough."""

_MORE = 20
"""So many documents more than were asked for are looked at in themselves."""


class Ranked(NamedTuple):
    """A found document. Its bytes sort as results are ordered: best, newest, id."""

    order: bytes
    id: str


class _Term(NamedTuple):
    word: bytes
    weight: float
    found: list[Posting]
    rarity: float
    complete: bool
    bound: float
    """What it adds at most to a document behind the last posting that was read."""


class Ranking:
    """One search in one transaction. `cut`: there may be more documents than can be candidates."""

    __slots__ = ("_index", "_lengths", "_search", "_statistics", "_table", "_tx", "_words", "cut", "sure")

    def __init__(
        self, tx: Transaction, table: TableInfo, index: DerivedIndex, lengths: DerivedIndex, search: Search
    ) -> None:
        self._tx, self._table, self._index, self._lengths, self._search = tx, table, index, lengths, search
        self._statistics: Statistics | None = None
        self._words: list[tuple[bytes, float]] = []
        self.cut = False
        self.sure = 0
        """So many at the beginning of what `best` gave are where they belong."""

    async def best(self, count: int) -> list[Ranked]:
        """Documents, the best first, of which `count` are where they belong; at most CANDIDATES.

        What was looked at is recorded as read.
        """
        if self._statistics is None:
            await self._begin()
        count, limit = min(count, CANDIDATES), min(_FIRST, CANDIDATES)
        while True:
            terms = [await self._term(word, weight, limit) for word, weight in self._words]
            scores = self._added_up(terms)
            complete = all(term.complete for term in terms)
            if not complete:
                await self._look_up(terms, scores, count + _MORE)
            ranked = sorted(Ranked(_order(*scored), id) for id, scored in scores.items())
            if complete or limit == CANDIDATES or self._enough(terms, scores, ranked, count):
                break
            limit = min(limit * _GROWTH, CANDIDATES)
        self.cut = len(ranked) > CANDIDATES or (limit == CANDIDATES and not complete)
        self.sure = CANDIDATES if complete or limit == CANDIDATES else count
        return ranked[:CANDIDATES]

    async def _begin(self) -> None:
        words = tokens(self._search.checked())[:_MOST_WORDS]
        # Not recorded: a document that comes or goes changes the score of all a little, and the order hardly ever.
        totals = (await TotalTree(self._tx, self._table, self._lengths).totals(b"", b"\xff")).tell()
        self._statistics = Statistics(totals["count"], totals["mean"] or 0.0)
        self._words = await self._expanded(words) if words else []

    def _enough(
        self, terms: Sequence[_Term], scores: dict[str, tuple[float, Posting]], ranked: list[Ranked], count: int
    ) -> bool:
        """Whether no document that has not been seen can belong to the first `count`."""
        unseen = sum(term.bound for term in terms if term.weight == 1)
        # Of the words that the last one begins, a document that is nowhere near the top of one hardly has several.
        unseen += max((term.bound for term in terms if term.weight < 1), default=0.0)
        return len(ranked) >= count and (not count or scores[ranked[count - 1].id][0] >= unseen)

    # Words

    def _prefix(self) -> bytes:
        scoped = self._search.scoped()
        return EVERYTHING if scoped is None else scope(*scoped)

    async def _expanded(self, words: Sequence[str]) -> list[tuple[bytes, float]]:
        """The encoded words to look for, with their weight: those of the text, and what the last one begins."""
        weights = {encode_value(word): 1.0 for word in words}
        before, begin = self._prefix(), encode_value(words[-1])[:-1]
        lower, upper = before + begin, before + begin + b"\xff"
        for _ in range(_EXPANSIONS + 1):
            entries = await self._entries(lower, upper, 1)
            if not entries:
                break
            word = word_in(entries[0], before)
            weights.setdefault(word, _HALF)
            lower = prefix_end(before + word)
        else:
            upper = lower  # what comes behind the last expansion is not looked at
        self._tx.reads.look_up(self._index.id, before + begin, upper)
        return list(weights.items())

    async def _term(self, word: bytes, weight: float, limit: int) -> _Term:
        lower = self._prefix() + word
        upper = prefix_end(lower)
        keys = await self._entries(lower, upper, limit)
        complete = len(keys) < limit
        self._tx.reads.look_up(self._index.id, lower, upper if complete else keys[-1] + b"\x00")
        found = list(postings(keys))
        containing = len(found)
        if not complete or self._search.conditions:
            first = EVERYTHING + word
            containing, _ = await self._tx.snapshot.count(self._index.id, first, prefix_end(first), limit=_COUNTED)
        statistics = self._known()
        rarity = statistics.rarity(max(containing, len(found)))
        bound = 0.0 if complete else weight * statistics.most(rarity, impact(found[-1].frequency, found[-1].length))
        return _Term(word, weight, found, rarity, complete, bound)

    def _known(self) -> Statistics:
        assert self._statistics is not None
        return self._statistics

    async def _entries(self, lower: bytes, upper: bytes, limit: int) -> list[bytes]:
        found = await self._tx.entries(self._table, self._index, lower, upper, reverse=False, limit=limit)
        return [key for key, _ in found]

    # Scores

    def _added_up(self, terms: Sequence[_Term]) -> dict[str, tuple[float, Posting]]:
        scores: dict[str, tuple[float, Posting]] = {}
        score = self._known().score
        for term in terms:
            for posting in term.found:
                before = scores.get(posting.id)
                added = term.weight * score(term.rarity, posting.frequency, posting.length)
                scores[posting.id] = (added if before is None else before[0] + added), posting
        return scores

    async def _look_up(self, terms: Sequence[_Term], scores: dict[str, tuple[float, Posting]], count: int) -> None:
        """For so many at the top, add what words say of them whose postings were not all read."""
        top = sorted(scores, key=lambda id: _order(*scores[id]))[:count]
        text = field_getter(self._index.fields[0])
        for document in await self._tx.load(top):
            words = counted(text(document.value()))
            _, posting = scores[document.id]
            total = 0.0
            for term in terms:
                frequency = words.get(term.word[1:-1].decode(), 0)
                if frequency:
                    total += term.weight * self._known().score(term.rarity, min(frequency, 255), posting.length)
            scores[document.id] = total, posting


def _order(score: float, posting: Posting) -> bytes:
    # Rounded, so that sums which differ by their rounding alone are equal, and time decides.
    best = (1 << 48) - 1 - min(round(score * 1e9), (1 << 48) - 1)
    return b"\x01" + best.to_bytes(6) + posting.newest.to_bytes(8) + encode_value(posting.id)
