"""Programs that hypothesis makes up: mostly sensible ones, with every mistake that a function can make in between."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reactor.values import Int64
from tests.integration.programs.budgets import Limits
from tests.integration.programs.documents import SCHEMA_INDEXES, indexes_of

__all__ = ["limits", "steps"]

Strategy = st.SearchStrategy[Any]

UNSET, NOW = {"the": "unset"}, {"the": "commit"}
TABLES = ("things", "things", "owners", "owners", "loose", "new0", "new1")


def seldom(usual: Strategy, unusual: Strategy) -> Strategy:
    """One in ten is unusual; it shrinks to the usual."""
    return st.integers(0, 9).flatmap(lambda n: unusual if n == 9 else usual)


ids: Strategy = st.fixed_dictionaries({"the": st.just("id"), "which": st.integers(0, 5)})


def ids_of(table: str) -> Strategy:
    return st.builds(lambda given: {**given, "of": table}, ids)


numbers: Strategy = st.sampled_from([1, 2, 1.0, -0.0, 0.0, float("nan"), 10**16])
texts: Strategy = st.sampled_from(["a", "a", "b", "a\x00"])
anything: Strategy = st.one_of(
    numbers, texts, ids, st.sampled_from([None, True, Int64(1), b"a", [], [1, "a"], {}, {"x": 1}, UNSET, NOW])
)

few: Strategy = st.sampled_from([1, 1.0, "a", UNSET, None, Int64(1), 2, NOW])

FIELDS: dict[str, dict[str, Strategy]] = {
    "owners": {"name": texts, "level": seldom(numbers, st.sampled_from([None, "high", UNSET, "low"]))},
    "things": {
        "kind": texts,
        "size": st.one_of(numbers, st.sampled_from([Int64(1), Int64(-3), None, UNSET])),
        "place": seldom(
            st.fixed_dictionaries({"row": st.sampled_from([1, 1.0]), "tag": texts}),
            st.sampled_from([{"row": 1}, {"row": 1, "tag": UNSET}, UNSET]),
        ),
        "owner": seldom(ids_of("owners"), ids),
        "at": st.sampled_from([NOW, NOW, Int64(5), UNSET]),
    },
    "loose": {
        "a": few,
        "b": st.one_of(st.fixed_dictionaries({"c": few}), anything),
        "key": seldom(st.fixed_dictionaries({"x": st.sampled_from(["a", "b", 1, 1.0, NOW, NOW, None, [1]])}), anything),
    },
    "new0": {"a": few},
    "new1": {"a": anything},
}
REQUIRED = {"owners": "name", "things": "kind"}
VALUED = {"owners": "name", "things": "place", "loose": "key"}
"""Fields of which a value may be taken by another document."""
MISTAKES: dict[str, Strategy] = {
    "surplus": anything,
    "kind": anything,
    "name": anything,
    "place": anything,
    "_hidden": st.sampled_from([1, UNSET]),
    "_id": ids,
    "_creationTime": st.sampled_from([-1.0, UNSET]),
}


@st.composite
def fields(draw: st.DrawFn, table: str, *, whole: bool) -> dict[str, Any]:
    known = FIELDS[table]
    names = draw(st.lists(st.sampled_from([*known]), unique=True, max_size=3))
    if table in VALUED and VALUED[table] not in names and draw(st.booleans()):
        names.append(VALUED[table])
    if whole and table in REQUIRED and REQUIRED[table] not in names:
        names.append(REQUIRED[table])
    found = {name: draw(known[name]) for name in names}
    mistake = draw(seldom(st.none(), st.sampled_from([*MISTAKES])))
    return found if mistake is None else {**found, mistake: draw(MISTAKES[mistake])}


@st.composite
def inserts(draw: st.DrawFn) -> dict[str, Any]:
    table = draw(st.sampled_from(TABLES))
    given = draw(fields(table, whole=True))
    return {"do": "insert", "table": draw(seldom(st.just(table), st.sampled_from(["_files", "1st"]))), "fields": given}


targets = seldom(ids, st.sampled_from(["garbage", None, 5]))
named = seldom(st.just({}), st.fixed_dictionaries({"table": st.sampled_from([*TABLES, "_files"])}))


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    do = draw(st.sampled_from(["patch", "replace"]))
    table = draw(st.sampled_from(TABLES))
    given = draw(fields(table, whole=do == "replace"))
    return {"do": do, "id": draw(seldom(ids_of(table), targets)), "fields": given, **draw(named)}


deletions = st.builds(lambda id, table: {"do": "delete", "id": id, **table}, targets, named)
tables_to_read = st.sampled_from(TABLES).map(lambda table: {"table": table})
gets = st.builds(lambda id, table: {"do": "get", "id": id, **table}, targets, seldom(st.just({}), tables_to_read))
normalizations = st.builds(lambda id, table: {"do": "normalize", "id": id, **table}, targets, tables_to_read)


def values_of(table: str, field: str) -> Strategy:
    """What is likely to stand in a field, in a range or a filter."""
    top, _, inner = field.partition(".")
    if field == "_id":
        return ids
    known = FIELDS[table][top]
    return seldom(known.map(lambda value: value.get(inner, UNSET) if inner and _plain(value) else value), anything)


def _plain(value: Any) -> bool:
    return isinstance(value, dict) and "the" not in value


@st.composite
def scans(draw: st.DrawFn) -> dict[str, Any]:
    table = draw(st.sampled_from(TABLES))
    index = draw(
        st.sampled_from([*SCHEMA_INDEXES.get(table, ()), *SCHEMA_INDEXES.get(table, ()), "by_creation_time", "by_id"])
    )
    own = [field for field in indexes_of(table)[index] if field != "_creationTime"]
    if index == "by_creation_time":
        own = []
    bounds = draw(seldom(right_bounds(table, own), wild_bounds(table, [*own, "nothing"])))
    index = draw(seldom(st.just(index), seldom(st.just(index), st.just("by_nothing"))))
    order = draw(st.sampled_from(["asc", "desc"]))
    condition = draw(st.none() | st.none() | conditions(table))
    return {"table": table, "index": index, "order": order, "bounds": bounds} | (
        {} if condition is None else {"condition": condition}
    )


@st.composite
def right_bounds(draw: st.DrawFn, table: str, own: list[str]) -> list[dict[str, Any]]:
    fixed = draw(st.integers(0, len(own)))
    found = [{"is": "eq", "field": field, "value": draw(values_of(table, field))} for field in own[:fixed]]
    for comparisons in (("gt", "gte"), ("lt", "lte")):
        if fixed < len(own) and draw(st.booleans()):
            value = draw(values_of(table, own[fixed]))
            found.append({"is": draw(st.sampled_from(comparisons)), "field": own[fixed], "value": value})
    return found


def wild_bounds(table: str, own: list[str]) -> Strategy:
    one = st.fixed_dictionaries(
        {"is": st.sampled_from(["eq", "gt", "gte", "lt", "lte"]), "field": st.sampled_from(own), "value": anything}
    )
    return st.lists(one, max_size=4)


def conditions(table: str) -> Strategy:
    names = [name for name in FIELDS[table] if name != "key"]
    field = st.sampled_from(names)
    return field.flatmap(
        lambda name: st.fixed_dictionaries(
            {"field": st.just(name), "value": values_of(table, name), "plus": seldom(st.just(False), st.just(True))}
        )
    )


reads = st.fixed_dictionaries(
    {"do": st.just("read"), "scan": scans(), "most": st.integers(0, 3)}
    | {"how": st.sampled_from(["collect", "take", "first", "unique", "count"])}
)
loops = st.fixed_dictionaries(
    {"do": st.just("read"), "scan": scans(), "most": st.integers(1, 3), "how": st.just("loop")}
)
# Few of these are different, so that a cursor is often one of the same range.
whole_tables = st.builds(
    lambda table, order: {"table": table, "index": "by_creation_time", "order": order, "bounds": []},
    st.sampled_from(["things", "loose"]),
    st.sampled_from(["asc", "desc"]),
)
pages = st.fixed_dictionaries(
    {"do": st.just("page"), "scan": whole_tables | scans(), "items": seldom(st.integers(1, 3), st.just(0))}
    | {"cursor": st.none() | st.integers(0, 3)}
)
failures = st.fixed_dictionaries({"do": st.just("fail"), "with": st.sampled_from(["data", "text"]), "data": texts})

looking = st.one_of(gets, normalizations, reads, reads, loops, pages)
writing = st.one_of(inserts(), inserts(), changes(), changes(), deletions)


def caught(operation: Strategy) -> Strategy:
    rarely = seldom(st.just(True), st.just(False))
    return st.builds(lambda given, yes: {**given, "caught": True} if yes else given, operation, rarely)


endings = seldom(st.sampled_from([None, "time"]), st.sampled_from(["refused", "no value"]))


def program(operations: Strategy, *, writes: bool = True) -> Strategy:
    ending = endings if writes else seldom(st.none(), st.sampled_from(["refused", "no value"]))
    return st.builds(
        lambda operations, ending: {"operations": operations} | ({} if ending is None else {"ending": ending}),
        operations,
        ending,
    )


def calls(inner: Strategy, *, kind: str) -> Strategy:
    """Calls of other functions: mostly of one that fits."""
    usual, typed = ("step", "stepAt") if kind == "mutation" else ("peek", "peekAt")
    given = program(inner, writes=kind == "mutation")
    wrong = st.sampled_from(["nobody", "look" if kind == "mutation" else "run"])
    amounts = st.fixed_dictionaries(
        {}, optional={"documents_read": st.integers(0, 3), "documents_written": st.integers(0, 2)}
    )
    options = {"limits": amounts} if kind == "mutation" else {"limits": amounts, "stale": st.just(True)}
    function = seldom(st.sampled_from([usual, usual, typed]), wrong if kind == "query" else wrong | st.just("found"))
    return st.builds(
        lambda function, at, more, given, options: {
            "do": "call",
            "kind": kind,
            "function": function,
            "more": {"at": at} if function == typed else more,
            "program": given,
            **options,
        },
        function,
        seldom(ids_of("new0"), targets),
        st.sampled_from([{}, {"carried": NOW}]),
        seldom(given if kind == "query" else given | given.map(_doomed), st.just(5)),
        seldom(st.just({}), st.fixed_dictionaries({}, optional=options)),
    )


def _doomed(given: dict[str, Any]) -> dict[str, Any]:
    """The same program, which fails when it has done everything."""
    return {**given, "operations": [*given["operations"], {"do": "fail", "with": "text"}]}


def looks(more: int = 2) -> Strategy:
    """Operations of a query, with nested queries up to a depth."""
    one = caught(looking if more == 0 else looking | calls(looks(more - 1), kind="query"))
    return st.lists(one, min_size=1 if more == 2 else 0, max_size=3)


def acts(more: int = 3) -> Strategy:
    """Operations of a mutation."""
    plain = st.one_of(writing, writing, looking, seldom(looking, failures))
    if more > 0:
        nested = calls(acts(more - 1), kind="mutation")
        plain = st.one_of(plain, plain, nested, nested, calls(looks(0), kind="query"))
    return st.lists(caught(plain), min_size=1, max_size=6)


mutations = seldom(
    st.builds(lambda given: {"function": "run", "program": given}, program(acts())),
    st.sampled_from([{"function": "run", "program": 5}, {"function": "found", "program": {"operations": []}}]),
)
watches = st.builds(lambda given: {"watch": given}, program(looks(), writes=False))
BASE = [
    {"do": "insert", "table": table, "fields": document}
    for name in ("a", "b")
    for table, document in (
        ("owners", {"name": name}),
        ("things", {"kind": name, "place": {"row": 1, "tag": name}}),
        ("loose", {"a": name, "key": {"x": name}}),
    )
]
"""Documents that stand in each other's way."""
steps = st.builds(
    lambda base, first, watched, then: [
        {"mutations": [{"function": "run", "program": {"operations": [*base, *first]}}]},
        *watched,
        *then,
    ],
    st.sampled_from([[], [{**given, "caught": True} for given in BASE]]),
    st.lists(inserts().map(lambda given: {**given, "caught": True}), min_size=1, max_size=6),
    st.lists(watches, max_size=3),
    st.lists(
        st.builds(lambda given: {"mutations": given}, st.lists(mutations, min_size=1, max_size=3)) | watches,
        min_size=2,
        max_size=6,
    ),
)
limits = st.builds(
    Limits,
    st.sampled_from([32_000, 32_000, 6]),
    st.sampled_from([16_000, 16_000, 16_000, 7, 3]),
    st.sampled_from([8, 8, 2, 1]),
)
