"""The nearest among many vectors, held against multiplying all of them in double precision."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.schema import define_schema, define_table
from reactor.store.sqlite import SqliteStore
from reactor.values import v
from tests.integration.database.world import World
from tests.support.profile import NIGHTLY

DIMENSIONS, CLUSTERS, SEARCHES, BEST = 384, 50, 30, 10
SCHEMA = define_schema(
    {"texts": define_table(v.any()).vector_index("near", vector_field="at", dimensions=384, filter_fields=["topic"])}
)

Numbers = NDArray[np.float64]


def around_clusters(chance: np.random.Generator, centres: Numbers, count: int) -> Numbers:
    return centres[chance.integers(0, CLUSTERS, count)] + chance.standard_normal((count, DIMENSIONS))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [5_000, *([100_000] if NIGHTLY else [])])
async def test_the_ten_nearest_are_the_ten_nearest(tmp_path: Path, count: int) -> None:
    chance = np.random.default_rng(count)
    centres = chance.standard_normal((CLUSTERS, DIMENSIONS))
    vectors = around_clusters(chance, centres, count)
    world = await World(SqliteStore(tmp_path)).open(SCHEMA)
    ids: list[str] = []

    async def add(db: DatabaseWriter, first: int) -> list[str]:
        rows = enumerate(vectors[first : first + 500].tolist(), first)
        return [await db.insert("texts", {"at": row, "topic": number % 20}) for number, row in rows]

    for first in range(0, count, 500):
        ids += await world.mutate(lambda db, first=first: add(db, first))
    lengths = np.linalg.norm(vectors, axis=1)
    for number, query in enumerate(around_clusters(chance, centres, SEARCHES)):
        scores = vectors @ query / lengths / np.linalg.norm(query)
        await check(world, query, scores, ids, None)
        topic = number % 20
        scores[np.arange(count) % 20 != topic] = -2
        await check(world, query, scores, ids, topic)
    await world.close()


async def check(world: World, query: Numbers, scores: Numbers, ids: list[str], topic: int | None) -> None:
    async def search(db: DatabaseReader) -> list[str]:
        found = await db.vector_search(
            "texts", "near", vector=query.tolist(), filter=None if topic is None else lambda q: q.eq("topic", topic)
        )
        return [match["_id"] for match in found]

    assert await world.read(search) == [ids[place] for place in np.argsort(-scores)[:BEST]]
