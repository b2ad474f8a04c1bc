"""Pages: cursors, fixed ends, budgets, splits; and that live pages never leave a gap between them or overlap."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.database.pages import Pager
from reactor.database.query import Query
from reactor.database.ranges import KeyRange
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, InvalidCursor
from reactor.store.memory import MemoryStore
from reactor.store.seam import Store
from tests.integration.database.world import CURSORS, World, small, touched

Build = Callable[[DatabaseReader], Query]


def by_name(db: DatabaseReader) -> Query:
    return db.query("users").with_index("by_name")


async def fill(world: World, *names: str) -> None:
    async def insert(db: DatabaseWriter) -> None:
        for name in names:
            await db.insert("users", {"name": name})

    await world.mutate(insert)


@pytest.fixture
async def ten(world: World) -> World:
    """Users named a to j."""
    await fill(world, *"abcdefghij")
    return world


class Read:
    """One run of a page: its result, its journal, what it read."""

    def __init__(self, result: Any, journal: str | None, ranges: list[KeyRange]) -> None:
        self.result, self.journal, self.ranges = result, journal, ranges
        self.names = "".join(user["name"] for user in result["page"])
        self.cursor: str = result["continueCursor"]
        self.done: bool = result["isDone"]


async def page(
    world: World,
    items: float = 3,
    cursor: str | None = None,
    journal: str | None = None,
    build: Build = by_name,
    **more: Any,
) -> Read:
    snapshot = world.db.store.acquire()
    try:
        tx, pager = world.db.read(snapshot), Pager(CURSORS, journal)
        options = {"numItems": items, "cursor": cursor, **more}
        result = await build(DatabaseReader(tx, pager)).paginate(options)
        return Read(result, pager.next_journal(failed=False), tx.reads.ranges())
    finally:
        snapshot.release()


async def walk(world: World, items: float, build: Build = by_name, **more: Any) -> list[str]:
    """The names of all pages, one after another."""
    pages: list[str] = []
    cursor: str | None = None
    while True:
        read = await page(world, items, cursor, build=build, **more)
        pages.append(read.names)
        if read.done:
            return pages
        cursor = read.cursor


async def test_pages_lead_to_the_end(ten: World) -> None:
    assert await walk(ten, 3) == ["abc", "def", "ghi", "j"]
    assert await walk(ten, 4.0, lambda db: by_name(db).order("desc")) == ["jihg", "fedc", "ba"]
    assert await walk(ten, 5) == ["abcde", "fghij", ""]
    assert await walk(ten, 11) == ["abcdefghij"]
    assert await walk(ten, 2, lambda db: db.query("users").with_index("by_name", lambda q: q.gt("name", "f"))) == [
        "gh",
        "ij",
        "",
    ]
    assert await walk(ten, 4, lambda db: db.query("users").with_index("by_id")) != []


async def test_pages_of_what_a_filter_lets_through(ten: World) -> None:
    vowels: Build = lambda db: by_name(db).filter(
        lambda q: (q.field("name") == "a") | (q.field("name") == "e") | (q.field("name") == "i")
    )
    assert await walk(ten, 2, vowels) == ["ae", "i"]
    assert await walk(ten, 3, vowels) == ["aei", ""]
    assert await walk(ten, 1, vowels) == ["a", "e", "i", ""]


async def test_behind_the_last_page_is_an_empty_one(ten: World) -> None:
    last = await page(ten, 20)
    assert last.done
    again = await page(ten, 20, last.cursor)
    assert (again.names, again.done, again.cursor) == ("", True, last.cursor)


async def test_a_cursor_survives_its_document_and_a_restart(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open()
    await fill(world, *"abcdef")
    first = await page(world)
    await world.mutate(lambda db: db.delete(first.result["page"][2]["_id"]))
    await world.close()
    world = await World(reopened()).open()
    assert (await page(world, 3, first.cursor)).names == "def"
    await world.close()


async def test_a_table_that_does_not_exist_has_one_empty_page(world: World) -> None:
    read = await page(world, build=lambda db: db.query("ghosts"))
    assert (read.names, read.done, read.journal) == ("", True, None)
    assert touched(read.ranges, await world.touches(lambda db: db.insert("ghosts", {"name": "boo"})))
    assert (await page(world, build=lambda db: db.query("ghosts"), journal=read.journal)).names == "boo"


# Fixed ends


async def test_a_page_with_a_journal_keeps_its_end(ten: World) -> None:
    first = await page(ten)
    await fill(ten, "bb", "cc", "a0")
    again = await page(ten, journal=first.journal)
    assert (again.names, again.cursor, again.journal, again.done) == ("aa0bbbc", first.cursor, first.journal, False)
    assert (await page(ten, 3, first.cursor)).names == "ccde"


async def test_an_end_cursor_wins_over_the_journal(ten: World) -> None:
    short, long = await page(ten, 2), await page(ten, 5)
    read = await page(ten, 1, journal=short.journal, endCursor=long.cursor, maximumRowsRead=1)
    assert (read.names, read.cursor) == ("abcde", long.cursor)


async def test_the_last_page_grows_at_its_end(ten: World) -> None:
    last = await page(ten, 20)
    await fill(ten, "k", "l")
    again = await page(ten, 20, journal=last.journal)
    assert (again.names, again.done) == ("abcdefghijkl", True)


async def test_a_page_may_become_empty(ten: World) -> None:
    first = await page(ten, 1)
    second = await page(ten, 1, first.cursor)
    await ten.mutate(lambda db: db.delete(second.result["page"][0]["_id"]))
    again = await page(ten, 1, first.cursor, second.journal)
    assert (again.names, again.done, again.cursor) == ("", False, second.cursor)
    assert touched(again.ranges, await ten.touches(lambda db: db.insert("users", {"name": "aa"})))


async def test_what_a_page_depends_on(ten: World) -> None:
    first = await page(ten)
    second = await page(ten, 3, first.cursor)
    again = await page(ten, journal=first.journal)
    inside, between = await ten.touches(lambda db: db.insert("users", {"name": "bb"})), []
    assert (touched(first.ranges, inside), touched(again.ranges, inside), touched(second.ranges, inside)) == (
        True,
        True,
        False,
    )
    between = await ten.touches(lambda db: db.insert("users", {"name": "cc"}))
    assert (touched(first.ranges, between), touched(again.ranges, between), touched(second.ranges, between)) == (
        False,
        False,
        True,
    )


async def test_a_function_that_failed_keeps_its_page() -> None:
    assert Pager(CURSORS, "journal").next_journal(failed=True) == "journal"
    assert Pager(CURSORS, "journal").next_journal(failed=False) is None


# Budgets


async def test_budgets_end_a_new_page_early(ten: World) -> None:
    read = await page(ten, 8, maximumRowsRead=4)
    assert (read.names, read.done, read.result["pageStatus"]) == ("abcd", False, "SplitRequired")
    assert (await page(ten, 8, read.cursor)).names == "efghij"
    assert await walk(ten, 8, maximumRowsRead=4) == ["abcd", "efgh", "ij"]
    assert await walk(ten, 8, maximumBytesRead=1) == [*"abcdefghij"]
    assert await walk(ten, 3, maximumRowsRead=1e9, maximumBytesRead=1e9) == ["abc", "def", "ghi", "j"]


async def test_budgets_count_what_a_filter_keeps_out(ten: World) -> None:
    last: Build = lambda db: by_name(db).filter(lambda q: q.field("name") > "h")
    assert await walk(ten, 2, last, maximumRowsRead=4) == ["", "", "ij", ""]


async def test_what_a_function_may_read_ends_a_page_too(ten: World) -> None:
    ten.db.limits = small(documents_read=4)
    assert await walk(ten, 8) == ["abcd", "efgh", "ij"]
    everything = await page(ten, 8, journal=CURSORS.seal(_print(ten), None))
    assert (everything.names, everything.result["pageStatus"], everything.done) == ("abcd", "SplitRequired", True)
    ten.db.limits = small(bytes_read=1)
    with pytest.raises(DeveloperError, match="Too many bytes read"):
        await page(ten, 8)


def _print(world: World) -> bytes:
    """The fingerprint of `by_name`."""
    from reactor.database.pages import PageSource

    table = world.db.catalog.table("users")
    assert table is not None
    source = PageSource(None, "users", table, table.indexes["by_name"], (b"", b"\xff"), None, False)  # type: ignore[arg-type]
    return source.fingerprint()


async def test_a_crowded_page_recommends_to_split(ten: World) -> None:
    assert (await page(ten, 7, maximumRowsRead=10)).result["pageStatus"] is None
    assert (await page(ten, 8, maximumRowsRead=10)).result["pageStatus"] == "SplitRecommended"
    ten.db.limits = small(documents_read=10)
    whole = await page(ten, 8)
    assert (await page(ten, 8, journal=whole.journal)).result["pageStatus"] == "SplitRecommended"


@pytest.mark.parametrize(("items", "halves"), [(2, None), (3, ("ab", "c")), (4, ("ab", "cd")), (9, ("abcde", "fghi"))])
async def test_a_page_says_where_to_split_it(ten: World, items: int, halves: tuple[str, str] | None) -> None:
    whole = await page(ten, items)
    split = whole.result["splitCursor"]
    if halves is None:
        assert split is None
        return
    assert (await page(ten, 1, endCursor=split)).names == halves[0]
    assert (await page(ten, 1, split, endCursor=whole.cursor)).names == halves[1]


# Errors


@pytest.mark.parametrize(
    ("options", "text", "code"),
    [
        (
            {"numItems": 0, "cursor": None},
            "Must request at least 1 document while paginating",
            "NoDocumentsForPagination",
        ),
        ({"numItems": 32_001, "cursor": None}, r"32001 documents was requested \(limit: 32000\)", "PageSizeTooLarge"),
        ({"numItems": -1, "cursor": None}, "`numItems` of a page is a whole number, not -1", "TypeError"),
        ({"numItems": 1.5, "cursor": None}, "whole number, not 1.5", "TypeError"),
        ({"numItems": float("nan"), "cursor": None}, "whole number, not nan", "TypeError"),
        ({"numItems": float("inf"), "cursor": None}, "numItems|documents was requested", None),
        ({"numItems": True, "cursor": None}, "whole number, not True", "TypeError"),
        ({"cursor": None}, "whole number, not None", "TypeError"),
        ({"numItems": 3, "cursor": 7}, "`cursor` of a page is a cursor as text, or None, not 7", "TypeError"),
        ({"numItems": 3, "cursor": None, "endCursor": []}, "`endCursor` of a page", "TypeError"),
        ({"numItems": 3, "cursor": "garbage"}, "Failed to parse cursor", "InvalidCursor"),
        ({"numItems": 3, "cursor": None, "endCursor": "x"}, "Failed to parse cursor", "InvalidCursor"),
        (
            {"numItems": 3, "cursor": None, "maximumRowsRead": 0},
            "`maximumRowsRead` of a page",
            "InvalidPaginationLimit",
        ),
        ({"numItems": 3, "cursor": None, "maximumBytesRead": "1"}, "at least 1, not '1'", "InvalidPaginationLimit"),
        (None, "paginate\\(\\) takes the options of a page.*not NoneType", "TypeError"),
    ],
)
async def test_options_that_make_no_sense(ten: World, options: Any, text: str, code: str | None) -> None:
    with pytest.raises(DeveloperError, match=text) as raised:
        await ten.read(lambda db: by_name(db).paginate(options))
    assert code in (None, raised.value.code)


OTHERS: list[Build] = [
    lambda db: by_name(db).order("desc"),
    lambda db: by_name(db).filter(lambda q: True),
    lambda db: db.query("users"),
    lambda db: db.query("users").with_index("by_name", lambda q: q.lt("name", "z")),
    lambda db: db.query("users").with_index("by_team_age"),
    lambda db: db.query("notes"),
]


@pytest.mark.parametrize("build", OTHERS)
async def test_a_cursor_is_of_one_query(ten: World, build: Build) -> None:
    first = await page(ten)
    wrong: list[dict[str, Any]] = [
        {"cursor": first.cursor},
        {"endCursor": first.cursor},
        {"journal": first.journal},
    ]
    for more in wrong:
        with pytest.raises(InvalidCursor):
            await page(ten, build=build, **more)


async def test_the_number_of_items_may_change_from_page_to_page(ten: World) -> None:
    first = await page(ten, 2)
    assert (await page(ten, 5, first.cursor)).names == "cdefg"


async def test_one_page_for_each_run(ten: World) -> None:
    async def two(db: DatabaseReader) -> None:
        await by_name(db).paginate({"numItems": 1, "cursor": None})
        await by_name(db).paginate({"numItems": 1, "cursor": None})

    with pytest.raises(DeveloperError, match="ran multiple paginated queries") as raised:
        await ten.read(two)
    assert raised.value.code == "MultiplePaginatedQueries"


async def test_a_mutation_may_read_a_page_with_its_own_writes(ten: World) -> None:
    async def change(db: DatabaseWriter) -> list[str]:
        await db.insert("users", {"name": "aa"})
        found = await by_name(db).paginate({"numItems": 3, "cursor": None})
        return [user["name"] for user in found["page"]]

    assert await ten.mutate(change) == ["a", "aa", "b"]


async def test_a_query_is_read_once(ten: World) -> None:
    async def twice(db: DatabaseReader) -> None:
        query = by_name(db)
        await query.collect()
        await query.paginate({"numItems": 1, "cursor": None})

    with pytest.raises(DeveloperError, match="can only be chained once"):
        await ten.read(twice)


# Live pages


class Live:
    """Pages as a client keeps them: each with its cursor and journal, run again when a commit touches it."""

    def __init__(self, world: World, build: Build) -> None:
        self._world, self._build = world, build
        self.pages: list[tuple[str | None, Read]] = []

    async def load(self, items: int) -> None:
        """Load one more page, unless the last one is."""
        if not self.pages or not self.pages[-1][1].done:
            cursor = self.pages[-1][1].cursor if self.pages else None
            self.pages.append((cursor, await page(self._world, items, cursor, build=self._build)))

    async def change(self, change: Callable[[DatabaseWriter], Awaitable[Any]]) -> None:
        """Write, and run those pages again that were touched."""
        touches = await self._world.touches(change)
        for place, (cursor, read) in enumerate(self.pages):
            if touched(read.ranges, touches):
                again = await page(self._world, 1, cursor, read.journal, build=self._build)
                self.pages[place] = (cursor, again)

    async def split(self, place: int) -> None:
        """Have two pages in place of one, as the official hooks do."""
        cursor, read = self.pages[place]
        middle = read.result["splitCursor"]
        if middle is not None:
            first = await page(self._world, 1, cursor, build=self._build, endCursor=middle)
            second = await page(self._world, 1, middle, build=self._build, endCursor=read.cursor)
            self.pages[place : place + 1] = [(cursor, first), (middle, second)]

    @property
    def names(self) -> list[str]:
        """What the pages show together."""
        return [user["name"] for _, read in self.pages for user in read.result["page"]]


NAMES = st.text(alphabet="abc", min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("load"), st.integers(1, 4)),
        st.tuples(st.just("insert"), NAMES),
        st.tuples(st.just("rename"), st.integers(0, 30), NAMES),
        st.tuples(st.just("delete"), st.integers(0, 30)),
        st.tuples(st.just("split"), st.integers(0, 5)),
    ),
    max_size=40,
)
BUILDS: list[Build] = [
    by_name,
    lambda db: by_name(db).order("desc"),
    lambda db: by_name(db).filter(lambda q: q.field("name") < "b"),
    lambda db: db.query("users").with_index("by_name", lambda q: q.gte("name", "aa").lt("name", "cb")).order("desc"),
]


@settings(max_examples=150)
@given(st.sampled_from(BUILDS), st.lists(NAMES, max_size=12), STEPS)
async def test_live_pages_show_everything_once(build: Build, names: list[str], steps: list[Any]) -> None:
    world = await World(MemoryStore()).open()
    await fill(world, *names)
    live = Live(world, build)
    await live.load(2)
    for kind, *rest in steps:
        if kind == "load":
            await live.load(rest[0])
        elif kind == "split":
            await live.split(rest[0] % len(live.pages))
        else:
            await live.change(await _change(world, kind, rest))
        wanted = [user["name"] for user in await world.read(lambda db: build(db).collect())]
        # Without the last page only what lies behind the newest cursor is missing.
        assert live.names == (wanted if live.pages[-1][1].done else wanted[: len(live.names)])
    await world.close()


async def _change(world: World, kind: str, rest: list[Any]) -> Callable[[DatabaseWriter], Awaitable[Any]]:
    users = await world.all("users")
    if kind == "insert" or not users:
        return lambda db: db.insert("users", {"name": rest[-1] if kind != "delete" else "b"})
    user = users[rest[0] % len(users)]
    if kind == "delete":
        return lambda db: db.delete(user["_id"])
    return lambda db: db.patch(user["_id"], {"name": rest[1]})
