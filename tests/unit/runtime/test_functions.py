import asyncio
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import pytest

from reactor.errors import ArgumentValidationError, LoadError
from reactor.runtime.functions import (
    Decorator,
    Function,
    Kind,
    action,
    creations,
    internal_action,
    internal_mutation,
    internal_query,
    is_creating,
    mutation,
    query,
)
from reactor.runtime.logs import RunLog, capture
from reactor.values.validators import v

from .tables import NoTables

TABLES = NoTables()


@pytest.mark.parametrize(
    ("decorator", "kind", "internal"),
    [
        (query, Kind.QUERY, False),
        (mutation, Kind.MUTATION, False),
        (action, Kind.ACTION, False),
        (internal_query, Kind.QUERY, True),
        (internal_mutation, Kind.MUTATION, True),
        (internal_action, Kind.ACTION, True),
    ],
)
def test_each_decorator_makes_its_kind_bare_and_with_options(decorator: Decorator, kind: Kind, internal: bool) -> None:
    @decorator
    async def bare(ctx: Any) -> None: ...

    @decorator()
    async def called(ctx: Any) -> None: ...

    @decorator(args={}, returns=v.null())
    async def with_options(ctx: Any): ...

    assert {(f.kind, f.internal) for f in (bare, called, with_options)} == {(kind, internal)}


def test_the_values_of_kinds_are_their_names_on_the_wire() -> None:
    assert [kind.value for kind in Kind] == ["Query", "Mutation", "Action"]


def test_plain_and_coroutine_handlers_are_told_apart() -> None:
    @query
    def plain(ctx: Any) -> int:
        return 1

    @query
    async def coroutine(ctx: Any) -> int:
        return 1

    assert not plain.is_async
    assert coroutine.is_async


def test_a_function_knows_where_it_is_before_anybody_loads_it() -> None:
    @query
    async def rooms(ctx: Any) -> None: ...

    assert rooms.path == f"{__name__.replace('.', '/')}:rooms"
    assert repr(rooms) == f"<Query {rooms.path}>"


@query
async def sketch(ctx: Any, size: "Later") -> None: ...


class Later(TypedDict):
    width: int


def test_hints_are_read_when_they_are_first_needed() -> None:
    assert sketch.accept({"size": {"width": 2.0}}, TABLES) == {"size": {"width": 2}}


def test_reading_another_missing_attribute_is_an_attribute_error() -> None:
    @query
    async def rooms(ctx: Any) -> None: ...

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rooms.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_arguments_by_hints() -> None:
    @query
    async def rooms(ctx: Any, user_id: str, limit: int = 20) -> None: ...

    assert rooms.accept({"userId": "u", "limit": 3.0}, TABLES) == {"user_id": "u", "limit": 3}
    assert rooms.accept({"user_id": "u"}, TABLES) == {"user_id": "u"}
    with pytest.raises(ArgumentValidationError, match="missing the required field `userId`"):
        rooms.accept({}, TABLES)
    with pytest.raises(ArgumentValidationError, match="extra field"):
        rooms.accept({"userId": "u", "user_id": "u"}, TABLES)


def test_arguments_by_validators_reach_parameters_in_either_spelling() -> None:
    @query(args={"userId": v.string(), "limit": v.optional(v.number())}, returns=v.array(v.string()))
    async def rooms(ctx, user_id, limit=20): ...

    assert rooms.accept({"userId": "u"}, TABLES) == {"user_id": "u"}
    assert rooms.accept({"user_id": "u", "limit": 1.0}, TABLES) == {"user_id": "u", "limit": 1.0}
    assert rooms.returns == v.array(v.string())


def test_an_object_validator_and_any_are_taken_as_args() -> None:
    @query(args=v.object({"a": v.string()}))
    async def fixed(ctx, a): ...

    @query(args=v.any())
    async def anything(ctx, **args): ...

    assert fixed.accept({"a": "x"}, TABLES) == {"a": "x"}
    assert anything.accept({"b": 1.0}, TABLES) == {"b": 1.0}


def test_without_declarations_anything_goes() -> None:
    @query
    async def anything(ctx, **args): ...

    assert anything.args is None
    assert anything.accept({"x": [1.0]}, TABLES) == {"x": [1.0]}


def test_arguments_that_need_no_translation_are_not_copied() -> None:
    @query
    async def rooms(ctx: Any, name: str) -> None: ...

    args = {"name": "x"}
    assert rooms.accept(args, TABLES) is args


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({}, "needs `room_id`"),
        ({"ctx": 1.0, "roomId": 1.0}, "`ctx` is taken"),
        ({"roomId": 1.0, "room_id": 2.0}, "given twice"),
    ],
)
def test_open_arguments_that_do_not_fit_the_signature_are_refused(args: dict[str, Any], text: str) -> None:
    @query
    async def anything(ctx, room_id, **args): ...

    with pytest.raises(ArgumentValidationError, match=text):
        anything.accept(args, TABLES)


def test_args_for_anything_do_not_reach_parameters_that_are_not_there() -> None:
    @query(args=v.any())
    async def anything(ctx, a=1): ...

    with pytest.raises(ArgumentValidationError, match="no argument `b`; it takes `a`"):
        anything.accept({"b": 1.0}, TABLES)


@dataclass
class Point:
    x: float
    y: float


def test_instances_are_built_from_arguments_and_flattened_in_results() -> None:
    @query
    async def mirrored(ctx: Any, point: Point) -> Point:
        return Point(-point.x, -point.y)

    assert mirrored.accept({"point": {"x": 1.0, "y": 2.0}}, TABLES) == {"point": Point(1.0, 2.0)}
    assert mirrored.flatten is not None
    assert mirrored.flatten(Point(1.0, 2.0)) == {"x": 1.0, "y": 2.0}


def test_calling_a_function_runs_its_handler_and_warns_once_in_the_log() -> None:
    @query
    def double(ctx: Any, number: float) -> float:
        return number * 2

    run = RunLog("rooms:list")
    with capture(run):
        assert [double(None, 2.0), double(None, number=3.0)] == [4.0, 6.0]
    assert len(run.lines) == 1
    assert run.lines[0].startswith(f"[WARN] {double.path} was called as a plain Python function")


def test_calling_a_function_outside_of_runs_is_no_matter() -> None:
    @query
    async def one(ctx: Any) -> int:
        return 1

    assert asyncio.run(one(None)) == 1


def test_a_function_shows_the_signature_of_its_handler() -> None:
    @query
    async def rooms(ctx: Any, name: str) -> None: ...

    assert str(inspect.signature(rooms)) == "(ctx: Any, name: str) -> None"


def test_other_decorators_may_stand_below() -> None:
    def traced(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return handler(*args, **kwargs)

        return wrapper

    @query
    @traced
    async def rooms(ctx: Any, room_id: str) -> None: ...

    assert rooms.accept({"roomId": "r"}, TABLES) == {"room_id": "r"}
    assert rooms.is_async


def declare_yielding() -> None:
    @query
    async def f(ctx: Any):
        yield 1


def declare_two_kinds() -> None:
    @query
    @mutation
    async def f(ctx: Any) -> None: ...


def declare_arguments_twice() -> None:
    @query(args={"size": v.number()})
    async def f(ctx: Any, size: float): ...


def declare_result_twice() -> None:
    @query(returns=v.null())
    async def f(ctx: Any) -> None: ...


def declare_a_list_of_arguments() -> None:
    @query(args=v.array(v.string()))
    async def f(ctx, names): ...


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (declare_yielding, "uses `yield`"),
        (declare_two_kinds, "@query stands on <Mutation .*only one such"),
        (declare_arguments_twice, r"@query f has both `args=` and a type hint on `size`: choose one"),
        (declare_result_twice, "has both `returns=` and a type hint on its result: choose one"),
        (declare_a_list_of_arguments, "`args=` takes a mapping"),
    ],
)
def test_declarations_that_cannot_be_are_refused_at_once(declare: Callable[[], None], text: str) -> None:
    with pytest.raises(LoadError, match=text):
        declare()


def test_a_handler_without_context_is_refused_with_its_place() -> None:
    @query
    async def rooms() -> None: ...

    with pytest.raises(LoadError, match=r"test_functions\.py:\d+: `rooms` takes no `ctx`"):
        rooms.complete()


def test_creations_are_collected_by_the_innermost_block() -> None:
    def declare() -> Function[..., Any]:
        @query
        async def f(ctx: Any) -> None: ...

        return f

    with creations() as outer:
        first = declare()
        with creations() as inner:
            second = declare()
        assert is_creating()
    assert (outer, inner, is_creating()) == ([first], [second], False)


def test_a_copy_stands_on_its_own() -> None:
    @query(args={"a": v.string()})
    async def f(ctx, a): ...

    copy = f.copy()
    copy.place("rooms", "g")
    assert (copy.path, copy.args, copy.handler) == ("rooms:g", f.args, f.handler)
    assert f.name == "f"
