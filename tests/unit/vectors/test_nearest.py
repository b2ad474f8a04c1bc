"""Finding the nearest vectors, held against plain arithmetic."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.vectors.nearest import Rows, nearest, similarity, stack, unit

small = st.floats(-100, 100, width=32)
vector = st.lists(small, min_size=4, max_size=4)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0


@given(st.lists(vector, min_size=1, max_size=60), vector, st.integers(1, 20), st.data())
def test_it_finds_what_sorting_finds(
    vectors: list[list[float]], query: list[float], limit: int, data: st.DataObject
) -> None:
    wanted = [data.draw(st.booleans()) for _ in vectors]
    middle = len(vectors) // 2
    groups = [
        Rows(stack(vectors[part]), [f"{n:03d}" for n in range(*part.indices(len(vectors)))], np.array(wanted[part]))
        for part in (slice(0, middle), slice(middle, None))
        if vectors[part]
    ]
    one = unit(query)
    best = sorted((-similarity(stack([each]), one).item(), f"{n:03d}") for n, each in enumerate(vectors) if wanted[n])[
        :limit
    ]
    assert nearest(groups, one, limit) == [(-score, id) for score, id in best]


@given(vector, vector)
def test_scores_are_cosines(one: list[float], other: list[float]) -> None:
    assert similarity(stack([one]), unit(other)).item() == pytest.approx(cosine(one, other), abs=2e-7)


@given(st.lists(vector, min_size=1, max_size=40), vector)
def test_a_score_does_not_depend_on_what_stands_beside(vectors: list[list[float]], query: list[float]) -> None:
    together = similarity(stack(vectors), unit(query)).tolist()
    assert together == [similarity(stack([each]), unit(query)).item() for each in vectors]


@pytest.mark.parametrize("dimensions", [2, 3, 384, 1536, 4096])
def test_a_vector_and_itself_score_one(dimensions: int) -> None:
    values = np.random.default_rng(dimensions).standard_normal(dimensions)
    assert similarity(stack([values.tolist()]), unit((values * 3).tolist())).item() == 1.0
    assert similarity(stack([(-values).tolist()]), unit(values.tolist())).item() == -1.0


@pytest.mark.parametrize("length", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_lengths_do_not_matter(length: float) -> None:
    assert unit([3 * length, 4 * length]).tolist() == pytest.approx([0.6, 0.8])


def test_zeros_score_zero() -> None:
    rows = Rows(stack([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]), ["a", "b", "c"], None)
    assert nearest([rows], unit([1.0, 0.0]), 3) == [(1.0, "b"), (0.0, "a"), (-1.0, "c")]
    assert nearest([rows], unit([0.0, 0.0]), 3) == [(0.0, "a"), (0.0, "b"), (0.0, "c")]


def test_equal_ones_go_by_id_even_where_the_best_end() -> None:
    rows = Rows(stack([[1.0, 2.0]] * 9000), [f"{9000 - n:04d}" for n in range(9000)], None)
    assert [id for _, id in nearest([rows], unit([1.0, 2.0]), 3)] == ["0001", "0002", "0003"]


def test_nothing_gives_nothing() -> None:
    assert nearest([], unit([1.0, 0.0]), 10) == []
    assert nearest([Rows(stack([[1.0, 0.0]]), ["a"], np.array([False]))], unit([1.0, 0.0]), 10) == []
