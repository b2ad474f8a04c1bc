"""The vectors nearest to one: exact, since all rows are looked at.

scores     of all rows in single precision, at the speed of memory and without Python's lock; row by row, since
           products of matrices start threads of their own, which get in each other's way when several search
choice     of those that may be among the best, with room for what single precision may be wrong by
scores     of these again in double precision; the same pair of vectors always has the same score, wherever the
           rows lie and however many there are: so ties are ties, and go by id
"""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mask", "Rows", "Vectors", "margin", "nearest", "similarity", "stack", "unit"]

Vectors: TypeAlias = NDArray[np.float32]
"""One unit vector, or one in each row; a vector of zeros stays as it is."""
Mask: TypeAlias = NDArray[np.bool_]

_GATHER = 8
"""Fewer than one row in so many: copying these out costs less than multiplying all."""

_PORTION = 4096


class Rows(NamedTuple):
    """Vectors with their documents' ids, of which those count whose `mask` is true (None: all)."""

    vectors: Vectors
    ids: Sequence[str]
    mask: Mask | None


class _Scored(NamedTuple):
    rows: Rows
    chosen: NDArray[np.intp] | None
    scores: NDArray[np.float32]


def unit(values: Sequence[float]) -> Vectors:
    """The vector of length 1 in the same direction. Its numbers must be finite."""
    vector = np.array(values, dtype=np.float64)
    largest = np.abs(vector).max(initial=0.0)
    if largest == 0.0:
        return vector.astype(np.float32)
    vector /= largest  # squares of immense and of tiny numbers would be infinite and zero
    return (vector / np.sqrt(vector @ vector)).astype(np.float32)


def stack(vectors: Iterable[Sequence[float]]) -> Vectors:
    """Unit vectors, one in each row; there is at least one."""
    return np.stack([unit(vector) for vector in vectors])


def margin(query: Vectors) -> float:
    """By so much at most a score in single precision is wrong."""
    return query.size * float(np.finfo(np.float32).eps)


def nearest(groups: Sequence[Rows], query: Vectors, limit: int) -> list[tuple[float, str]]:
    """Up to `limit` cosine similarities with `query`, each with its id: the greatest first, equal ones by id."""
    scored = [_score(rows, query) for rows in groups]
    lowest = _lowest(scored, limit) - 2 * margin(query)
    best: list[tuple[float, str]] = []
    for rows, chosen, single in scored:
        places = np.flatnonzero(single >= lowest)
        if chosen is not None:
            places = chosen[places]
        for start in range(0, places.size, _PORTION):
            portion = places[start : start + _PORTION]
            scores = similarity(rows.vectors[portion], query)
            found = [(-float(score), rows.ids[int(place)]) for score, place in zip(scores, portion, strict=True)]
            best = nsmallest(limit, best + found)
    return [(-score, id) for score, id in best]


def similarity(vectors: Vectors, query: Vectors) -> NDArray[np.float64]:
    """The cosine similarity of each row with `query`, between -1 and 1; 0 where one of both is all zeros."""
    rows, one = vectors.astype(np.float64), query.astype(np.float64)
    lengths = np.sqrt(np.vecdot(rows, rows) * np.vecdot(one, one))
    products = np.vecdot(rows, one)
    cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths != 0.0)
    return np.clip(cosines, -1.0, 1.0)


def _score(rows: Rows, query: Vectors) -> _Scored:
    mask = rows.mask
    if mask is None:
        return _Scored(rows, None, np.vecdot(rows.vectors, query))
    chosen = np.flatnonzero(mask)
    if chosen.size * _GATHER < mask.size:
        return _Scored(rows, chosen, np.vecdot(rows.vectors[chosen], query))
    return _Scored(rows, chosen, np.vecdot(rows.vectors, query)[chosen])


def _lowest(scored: Sequence[_Scored], limit: int) -> float:
    """The score of the last of the best `limit`; of the worst if there are not as many."""
    scores = np.concatenate([each.scores for each in scored]) if scored else np.empty(0, np.float32)
    if scores.size <= limit:
        return -2.0
    return float(np.partition(scores, scores.size - limit)[scores.size - limit])
