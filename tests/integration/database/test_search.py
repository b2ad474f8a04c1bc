"""Text search against scoring all documents."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from reactor.database import search_ranking
from reactor.database.pages import Pager
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from reactor.schema import Schema, define_table
from reactor.store.seam import Store
from reactor.values import UNSET, Int64, v
from tests.integration.database.traffic import Traffic, nothing, words
from tests.integration.database.world import CURSORS, touched

VOCABULARY = ["apple", "apply", "apricot", "banana", "band", "cherry", "date", "elder", "fig", "grape"]


def searchable(*, staged: bool = False) -> Schema:
    table = define_table(v.any())
    return words(table.search_index("text", search_field="body", filter_fields=["team", "year"], staged=staged))


def some(rng: random.Random) -> dict[str, Any]:
    weights = [1 / (place + 1) for place in range(len(VOCABULARY))]
    body = " ".join(rng.choices(VOCABULARY, weights, k=rng.randint(0, 12)))
    row: dict[str, Any] = {"body": body, "team": rng.choice(["a", "b", None, 1]), "year": rng.randint(1, 2)}
    if rng.random() < 0.2:
        del row[rng.choice(list(row))]
    return row


def scored(rows: list[dict[str, Any]], text: str, **conditions: Any) -> list[str]:
    """The ids of all matching documents in order, by the formula, with every document looked at."""
    texts = {row["_id"]: row["body"].split() for row in rows if isinstance(row.get("body"), str)}
    count = len(texts)
    mean = sum(map(len, texts.values())) / count if count else 0.0
    asked = text.lower().split()[:16]
    weights = dict.fromkeys(asked, 1.0)
    if asked:
        begun = sorted({word for body in texts.values() for word in body if word.startswith(asked[-1])})
        for word in begun[:17]:
            weights.setdefault(word, 0.5)
    found: list[tuple[float, float, str]] = []
    for row in rows:
        body = texts.get(row["_id"], [])
        if any(row.get(field, UNSET) != value for field, value in conditions.items()):
            continue
        score = 0.0
        for word, weight in weights.items():
            frequency = body.count(word)
            if frequency:
                containing = sum(word in other for other in texts.values())
                rarity = math.log(1 + (count - containing + 0.5) / (containing + 0.5))
                norm = frequency + 1.2 * (0.25 + 0.75 * len(body) / max(mean, 1.0))
                score += weight * rarity * frequency * 2.2 / norm
        if any(word in body for word in weights):
            found.append((round(score * 1e6), row["_creationTime"], row["_id"]))
    found.sort(key=lambda each: (-each[0], -each[1], each[2]))
    return [id for _, _, id in found]


async def ids(db: DatabaseReader, text: str, **conditions: Any) -> list[str]:
    def search(q: Any) -> Any:
        q = q.search("body", text)
        for field, value in conditions.items():
            q = q.eq(field, value)
        return q

    return [row["_id"] for row in await db.query("words").with_search_index("text", search).collect()]


async def check(db: DatabaseReader, rng: random.Random) -> None:
    """Some searches find what scoring all documents finds, in its order."""
    rows = await db.query("words").collect()
    for text in (rng.choice(VOCABULARY), " ".join(rng.choices(VOCABULARY, k=3)), "ap", "banana ap", "nothing", ""):
        assert await ids(db, text) == scored(rows, text)
    one, two = rng.choice(VOCABULARY), " ".join(rng.choices(VOCABULARY, k=2))
    assert await ids(db, one, team="a") == scored(rows, one, team="a")
    assert await ids(db, two, team=UNSET) == scored(rows, two, team=UNSET)
    assert await ids(db, two, year=1, team="b") == scored(rows, two, year=1, team="b")


async def change(db: DatabaseWriter, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 3)):
        documents = await db.query("words").collect()
        id = rng.choice(documents)["_id"] if documents else ""
        nested = rng.random() < 0.3
        if nested:
            db._tx.push()
        match rng.choice(["insert", "insert", "patch", "replace", "delete"]) if id else "insert":
            case "insert":
                await db.insert("words", some(rng))
            case "patch":
                await db.patch(id, {"body": some(rng).get("body", 5)})
            case "replace":
                await db.replace(id, some(rng))
            case _:
                await db.delete(id)
        if nested:
            db._tx.pop(keep=rng.random() < 0.5)
    await check_own(db, rng)


async def check_own(db: DatabaseWriter, rng: random.Random) -> None:
    """Own writes are found. How rare a word is follows from what was there before, so the order may differ a little."""
    rows = await db.query("words").collect()
    text = rng.choice(VOCABULARY)
    assert sorted(await ids(db, text)) == sorted(scored(rows, text))


@pytest.mark.parametrize("seed", range(6))
async def test_searches_find_what_scoring_everything_finds(reopened: Callable[[], Store], seed: int) -> None:
    rng = random.Random(seed)
    world = await Traffic(reopened()).open(searchable())
    for _ in range(15):
        await world.mutate(lambda db: change(db, rng))
        await world.read(lambda db: check(db, rng))
    await world.close()
    world = await Traffic(reopened()).open(searchable())
    await world.read(lambda db: check(db, rng))
    await world.close()


@pytest.mark.parametrize("staged", [False, True])
async def test_it_is_built_beside_writes(reopened: Callable[[], Store], staged: bool) -> None:
    rng = random.Random(7)
    world = await Traffic(reopened()).open()
    await world.add(*(some(rng) for _ in range(40)))

    async def beside() -> None:
        await world.mutate(lambda db: db.insert("words", some(rng)))

    world.before_fill = beside
    await world.push(searchable(staged=staged))
    if staged:
        await world.until(lambda: not world.info().filling)
        await world.push(searchable())
    world.before_fill = nothing
    await world.read(lambda db: check(db, rng))
    await world.close()


async def test_a_live_search_hears_of_what_can_change_it(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(searchable())
    (apple, _, other) = await world.add(
        {"body": "apple pie", "team": "a"}, {"body": "cherry", "team": "a"}, {"body": "apple", "team": "b"}
    )
    _, ranges = await world.watch(lambda db: ids(db, "pie apple", team="a"))

    async def wakes(write: Callable[[DatabaseWriter], Any]) -> bool:
        return touched(ranges, await world.touches(write))

    assert not await wakes(lambda db: db.insert("words", {"body": "banana", "team": "a"}))
    assert not await wakes(lambda db: db.insert("words", {"body": "apple", "team": "b"}))
    assert not await wakes(lambda db: db.patch(other, {"body": "apple pie"}))
    assert not await wakes(lambda db: db.insert("words", {"body": 5, "team": "a"}))
    assert await wakes(lambda db: db.insert("words", {"body": "an apple", "team": "a"}))
    assert await wakes(lambda db: db.insert("words", {"body": "applesauce", "team": "a"}))
    assert await wakes(lambda db: db.patch(apple, {"other": 1}))
    assert await wakes(lambda db: db.patch(apple, {"body": "apple pie and more"}))
    assert await wakes(lambda db: db.patch(other, {"team": "a"}))
    assert await wakes(lambda db: db.delete(apple))
    await world.close()


async def test_a_common_word_has_its_best_documents_first(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_ranking, "CANDIDATES", 20)
    world = await Traffic(reopened()).open(searchable())

    async def many(db: DatabaseWriter) -> None:
        for number in range(60):
            await db.insert("words", {"body": "apple " + "date " * (number % 7), "n": number})
        await db.insert("words", {"body": "apple apple apple", "n": "best"})
        await db.insert("words", {"body": "fig date date date date date apple", "n": "rare"})

    await world.mutate(many)

    async def first(db: DatabaseReader, text: str, n: int) -> list[Any]:
        found = await db.query("words").with_search_index("text", lambda q: q.search("body", text)).take(n)
        return [row["n"] for row in found]

    assert (await world.read(lambda db: first(db, "apple", 1))) == ["best"]
    assert (await world.read(lambda db: first(db, "fig apple", 1))) == ["rare"]
    assert len(await world.read(lambda db: first(db, "apple", 20))) == 20
    with pytest.raises(DeveloperError, match="scanned too many documents") as caught:
        await world.read(lambda db: first(db, "apple", 21))
    assert caught.value.code == "TooManySearchResults"
    await world.close()


async def test_pages_of_a_search(reopened: Callable[[], Store]) -> None:
    rng = random.Random(9)
    world = await Traffic(reopened()).open(searchable())
    await world.add(*(some(rng) for _ in range(60)))
    rows = await world.all("words")
    expected = scored(rows, "apple banana")
    found: list[str] = []
    cursor: str | None = None
    while True:
        snapshot = world.db.store.acquire()
        try:
            db = DatabaseReader(world.db.read(snapshot), Pager(CURSORS))
            query = db.query("words").with_search_index("text", lambda q: q.search("body", "apple banana"))
            page = await query.paginate({"numItems": 7, "cursor": cursor})
        finally:
            snapshot.release()
        found += [row["_id"] for row in page["page"]]
        cursor = page["continueCursor"]
        if page["isDone"]:
            break
    assert found == expected
    await world.close()


async def test_filters_and_iteration(reopened: Callable[[], Store]) -> None:
    rng = random.Random(10)
    world = await Traffic(reopened()).open(searchable())
    await world.add(*(some(rng) for _ in range(40)))

    async def run(db: DatabaseReader) -> None:
        def query() -> Any:
            return db.query("words").with_search_index("text", lambda q: q.search("body", "apple"))

        everything = await query().collect()
        filtered = await query().filter(lambda q: q.field("year") == 1).collect()
        assert filtered == [row for row in everything if row.get("year") == 1]
        assert [row async for row in query()] == everything
        assert await query().count() == len(everything)
        assert await query().first() == everything[0]
        assert await query().take(0) == []

    await world.read(run)
    await world.close()


async def test_searching_while_writing(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(searchable())

    async def run(db: DatabaseWriter) -> list[str]:
        await db.insert("words", {"body": "apple"})
        seen: list[str] = []
        async for row in db.query("words").with_search_index("text", lambda q: q.search("body", "apple")):
            seen.append(row["_id"])
            await db.patch(row["_id"], {"body": "banana"})
        assert await ids(db, "apple") == []
        assert await ids(db, "ban") == seen
        return seen

    assert len(await world.mutate(run)) == 1
    await world.close()


@pytest.mark.parametrize(
    ("search", "code"),
    [
        (lambda q: q.search("title", "x"), "IncorrectSearchField"),
        (lambda q: q.search("body", "x").search("body", "y"), "DuplicateSearchFilters"),
        (lambda q: q.eq("team", "a"), "MissingSearchFilter"),
        (lambda q: q.search("body", "x").eq("body", "a"), "IncorrectFilterField"),
        (lambda q: [q := q.search("body", "x"), *(q.eq("team", n) for n in range(9))][0], "TooManyFilterConditions"),
        (lambda q: q.search("body", Int64(1)), "TypeError"),
        (lambda q: None, "InvalidIndexRange"),
    ],
)
async def test_what_is_wrong_is_told(reopened: Callable[[], Store], search: Any, code: str) -> None:
    world = await Traffic(reopened()).open(searchable())
    with pytest.raises(DeveloperError) as caught:
        await world.read(lambda db: db.query("words").with_search_index("text", search).collect())
    assert caught.value.code == code
    await world.close()


@pytest.mark.parametrize(
    ("ask", "code", "text"),
    [
        (lambda q: q.with_search_index("x", lambda s: s.search("body", "a")), "IndexNotFound", "Search indexes of"),
        (lambda q: q.with_search_index("text", lambda s: s.search("body", "a")).order("desc"), "QueryBuilder", "order"),
        (lambda q: q.order("desc").with_search_index("text", lambda s: s.search("body", "a")), "QueryBuilder", "once"),
        (lambda q: q.with_index("text"), "IndexNotFound", "search it"),
        (lambda q: q.with_index("text#"), "IndexNotFound", "not found"),
    ],
)
async def test_what_cannot_be_combined_is_told(reopened: Callable[[], Store], ask: Any, code: str, text: str) -> None:
    world = await Traffic(reopened()).open(searchable())
    with pytest.raises(DeveloperError, match=text) as caught:
        await world.read(lambda db: ask(db.query("words")).collect())
    assert caught.value.code == code
    await world.close()
