"""Which documents a text search finds, and in what order: from postings, the best of each word.

Postings stand in the order in which they matter, so a few of each word are read, and more only as long as a document
that has not been seen could still belong to those that were asked for. What a word adds to a document behind the last
posting that was read is not known from postings; it is looked up in the documents themselves for those at the top.
"""

from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple

from reactor.database.catalog import TableInfo
from reactor.database.derived import DerivedIndex
from reactor.database.search_query import Search
from reactor.database.total_tree import totals_of
from reactor.database.transaction import Transaction
from reactor.search.postings import EVERYTHING, posting, scope, word_in
from reactor.search.scoring import Statistics, impact
from reactor.search.tokens import counted, tokens
from reactor.values import encode_value, prefix_end
from reactor.values.field_paths import field_getter

__all__ = ["CANDIDATES", "Ranked", "Ranking"]

CANDIDATES = 1_024
"""So many documents a search can find, and so many postings of a word are read."""

_MOST_WORDS, _EXPANSIONS = 16, 16
_HALF = 0.5
_TOP = (1 << 48) - 1
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
    found: list[tuple[bytes, str]]
    rarity: float
    complete: bool
    bound: float
    """What it adds at most to a document behind the last posting that was read."""


class _Scored:
    """A document that was found: its score so far, which terms that is of (a bit for each), what its postings say."""

    __slots__ = ("length", "newest", "score", "terms")

    def __init__(self, score: float, terms: int, newest: int, length: int) -> None:
        self.score, self.terms, self.newest, self.length = score, terms, newest, length


_Place = tuple[int, int, str]
"""Sorts as results are ordered."""


class Ranking:
    """One search in one transaction. `cut`: there may be more documents than can be candidates."""

    __slots__ = ("_index", "_lengths", "_places", "_search", "_statistics", "_table", "_tx", "_words", "cut", "sure")

    def __init__(
        self, tx: Transaction, table: TableInfo, index: DerivedIndex, lengths: DerivedIndex, search: Search
    ) -> None:
        self._tx, self._table, self._index, self._lengths, self._search = tx, table, index, lengths, search
        self._statistics: Statistics | None = None
        self._words: list[tuple[bytes, float]] = []
        self._places: list[_Place] | None = None
        """All of them, once no more postings will be read."""
        self.cut = False
        self.sure = 0
        """So many at the beginning of what `best` gave are where they belong."""

    async def best(self, count: int) -> list[Ranked]:
        """Documents, the best first, of which `count` are where they belong, and one more if there is one; at most
        CANDIDATES. What was looked at is recorded as read.
        """
        if self._statistics is None:
            await self._begin()
        count = min(count, CANDIDATES)
        places = await self._ranked(count) if self._places is None else self._places
        # The bytes of an order take longer to make than all the rest of a place.
        found = [Ranked(_order(place), place[2]) for place in islice(places, min(count + 1, CANDIDATES))]
        self.sure = CANDIDATES if self._places is not None and len(found) == len(places) else count
        return found

    async def _ranked(self, count: int) -> list[_Place]:
        limit = _FIRST
        while True:
            terms = [await self._term(word, weight, limit) for word, weight in self._words]
            scores = self._added_up(terms)
            complete = all(term.complete for term in terms)
            if not complete:
                await self._look_up(terms, scores, count + _MORE)
            if complete or limit == CANDIDATES:
                places = sorted(map(_place, scores.items()))
                self.cut = len(places) > CANDIDATES or not complete
                self._places = places[:CANDIDATES]
                return self._places
            places = nsmallest(count + 1, map(_place, scores.items()))
            if self._enough(terms, scores, places, count):
                return places
            limit = min(limit * _GROWTH, CANDIDATES)

    async def _begin(self) -> None:
        words = tokens(self._search.checked())[:_MOST_WORDS]
        # Not recorded: a document that comes or goes changes the score of all a little, and the order hardly ever.
        totals = await totals_of(self._tx, self._table, self._lengths, b"", b"\xff")
        self._statistics = Statistics(totals["count"], totals["mean"] or 0.0)
        self._words = await self._expanded(words) if words else []

    def _enough(self, terms: Sequence[_Term], scores: dict[str, _Scored], places: list[_Place], count: int) -> bool:
        """Whether no document that has not been seen can belong to the first `count`."""
        unseen = sum(term.bound for term in terms if term.weight == 1)
        # Of the words that the last one begins, a document that is nowhere near the top of one hardly has several.
        unseen += max((term.bound for term in terms if term.weight < 1), default=0.0)
        return len(places) >= count and (not count or scores[places[count - 1][2]].score >= unseen)

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
            word = word_in(entries[0][0], before)
            weights.setdefault(word, _HALF)
            lower = prefix_end(before + word)
        else:
            upper = lower  # what comes behind the last expansion is not looked at
        self._tx.reads.look_up(self._index.id, before + begin, upper)
        return list(weights.items())

    async def _term(self, word: bytes, weight: float, limit: int) -> _Term:
        lower = self._prefix() + word
        upper = prefix_end(lower)
        found = await self._entries(lower, upper, limit)
        complete = len(found) < limit
        self._tx.reads.look_up(self._index.id, lower, upper if complete else found[-1][0] + b"\x00")
        containing = len(found)
        if not complete or self._search.conditions:
            first = EVERYTHING + word
            containing = max(containing, await self._tx.about(self._index, first, prefix_end(first), _COUNTED))
        statistics = self._known()
        rarity = statistics.rarity(containing)
        if complete:
            return _Term(word, weight, found, rarity, complete, 0.0)
        _, frequency, length = posting(*found[-1])
        return _Term(word, weight, found, rarity, complete, weight * statistics.most(rarity, impact(frequency, length)))

    def _known(self) -> Statistics:
        assert self._statistics is not None
        return self._statistics

    async def _entries(self, lower: bytes, upper: bytes, limit: int) -> list[tuple[bytes, str]]:
        return await self._tx.entries(self._table, self._index, lower, upper, reverse=False, limit=limit)

    # Scores

    def _added_up(self, terms: Sequence[_Term]) -> dict[str, _Scored]:
        scores: dict[str, _Scored] = {}
        score = self._known().score
        for number, term in enumerate(terms):
            bit = 1 << number
            known: dict[tuple[int, int], float] = {}  # thousands of postings have the same few numbers
            for key, id in term.found:
                newest, frequency, length = posting(key, id)
                added = known.get((frequency, length))
                if added is None:
                    added = known[frequency, length] = term.weight * score(term.rarity, frequency, length)
                before = scores.get(id)
                if before is None:
                    scores[id] = _Scored(added, bit, newest, length)
                else:
                    before.score += added
                    before.terms |= bit
        return scores

    async def _look_up(self, terms: Sequence[_Term], scores: dict[str, _Scored], count: int) -> None:
        """For so many at the top, add what words say of them in postings that were not read."""
        text, score = field_getter(self._index.fields[0]), self._known().score
        cut = [(1 << number, term, term.word[1:-1].decode()) for number, term in enumerate(terms) if not term.complete]
        all_cut = sum(bit for bit, _, _ in cut)
        top = [id for _, _, id in nsmallest(count, map(_place, scores.items()))]
        for document in await self._tx.load([id for id in top if scores[id].terms & all_cut != all_cut]):
            words, scored = counted(text(document.value())), scores[document.id]
            for bit, term, word in cut:
                frequency = 0 if scored.terms & bit else words.get(word, 0)
                if frequency:
                    scored.score += term.weight * score(term.rarity, min(frequency, 255), scored.length)


def _place(scored: tuple[str, _Scored]) -> _Place:
    id, found = scored
    # Rounded, so that sums which differ by their rounding alone are equal, and time decides.
    return _TOP - min(round(found.score * 1e9), _TOP), found.newest, id


def _order(place: _Place) -> bytes:
    best, newest, id = place
    return b"\x01" + best.to_bytes(6) + newest.to_bytes(8) + encode_value(id)
