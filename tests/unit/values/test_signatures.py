"""Signatures of handlers: validators, spellings on the wire, and binding."""

# ruff: noqa: F821 - the text in Id["users"] is no forward reference

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from reactor.errors import LoadError
from reactor.values import UNSET, UnsetType, Value
from reactor.values.hints import (
    Id,
    read_signature,
    returns_from_signature,
    validator_from_signature,
)
from reactor.values.validators import ObjectValidator, ValidationFailure, v

from .tables import TABLES, USER

if TYPE_CHECKING:
    from somewhere import Context, Nowhere  # pyright: ignore[reportMissingImports]


@dataclass
class Point:
    x: float


async def create(ctx: "Context", title: str, user_id: Id["users"], limit: int = 20) -> Id["threads"]: ...


def validator_of(handler: Callable[..., Any]) -> ObjectValidator:
    validator, _names = validator_from_signature(handler)
    assert validator is not None
    return validator


def bound(handler: Callable[..., Any], arguments: dict[str, Value]) -> dict[str, Any]:
    bind = read_signature(handler).bind
    return arguments if bind is None else bind(arguments, TABLES)


def test_hints_make_a_validator_in_camel_case() -> None:
    validator, names = validator_from_signature(create)
    assert repr(validator) == (
        'v.object({limit: v.optional(v.float64() /* whole number */), title: v.string(), userId: v.id("users")})'
    )
    assert names == {"title": ("title",), "user_id": ("userId", "user_id"), "limit": ("limit",)}


@pytest.mark.parametrize("spelling", ["userId", "user_id"])
def test_both_spellings_reach_the_parameter(spelling: str) -> None:
    arguments: dict[str, Value] = {"title": "a", spelling: USER, "limit": 5.0}
    validator_of(create).check(arguments, TABLES)
    assert repr(bound(create, arguments)) == repr({"title": "a", "user_id": USER, "limit": 5})


def test_messages_speak_of_the_canonical_spelling() -> None:
    def told(arguments: Value) -> str:
        with pytest.raises(ValidationFailure) as caught:
            validator_of(handler).check(arguments, TABLES)
        return str(caught.value)

    def handler(ctx: Any, user_id: str) -> None: ...

    shown = "Validator: v.object({userId: v.string()})"
    assert told({}) == (
        "Object is missing the required field `userId`. "
        f"Consider wrapping the field validator in `v.optional(...)` if this is expected.\n\nObject: {{}}\n{shown}"
    )
    assert told({"user_id": 1}) == "Value does not match validator.\nPath: .userId\nValue: 1.0\nValidator: v.string()"
    assert told({"user_id": "a", "userId": "b"}) == (
        "Object contains extra field `user_id` that is not in the validator.\n\n"
        f'Object: {{userId: "b", user_id: "a"}}\n{shown}'
    )
    assert told([]) == f"Value does not match validator.\n\nValue: []\n{shown}"


def test_data_is_not_translated() -> None:
    def handler(ctx: Any, some_value: dict[str, Any]) -> None: ...

    assert bound(handler, {"someValue": {"inner_key": 1}}) == {"some_value": {"inner_key": 1}}


def test_a_keyword_of_python_loses_its_underscore() -> None:
    def handler(ctx: Any, from_: str, _id: str) -> None: ...

    assert repr(validator_of(handler)) == "v.object({_id: v.string(), from: v.string()})"
    assert bound(handler, {"from": "a", "_id": "b"}) == {"from_": "a", "_id": "b"}


def test_nothing_to_bind_costs_nothing() -> None:
    def handler(ctx: Any, title: str, tags: list[str], *, done: bool = False) -> None: ...

    signature = read_signature(handler)
    assert (signature.bind, signature.flatten) == (None, None)
    assert repr(signature.validator) == (
        "v.object({done: v.optional(v.boolean()), tags: v.array(v.string()), title: v.string()})"
    )


def test_a_parameter_without_hint_takes_anything() -> None:
    def handler(ctx, a, b: str, c=1): ...

    assert repr(validator_of(handler)) == "v.object({a: v.any(), b: v.string(), c: v.optional(v.any())})"


def test_only_a_context_takes_no_arguments() -> None:
    async def handler(ctx: Any) -> None: ...

    assert validator_from_signature(handler) == (v.object({}), {})


def test_anything_goes() -> None:
    def bare(ctx, **args): ...

    def hinted(ctx: Any, **args: Any) -> None: ...

    def named(ctx, user_id, **args): ...

    assert validator_from_signature(bare) == (None, {})
    assert validator_from_signature(hinted) == (None, {})
    assert validator_from_signature(named) == (None, {"user_id": ("userId", "user_id")})
    assert bound(named, {"userId": 1, "x_y": 2}) == {"user_id": 1, "x_y": 2}


def test_unset_stands_for_a_missing_argument() -> None:
    def handler(ctx: Any, the_title: str | UnsetType = UNSET, n: int = 1) -> None: ...

    assert repr(validator_of(handler)) == (
        "v.object({n: v.optional(v.float64() /* whole number */), theTitle: v.optional(v.string())})"
    )
    assert bound(handler, {"theTitle": UNSET, "n": UNSET}) == {}


def test_instances_are_built_for_handlers_and_undone_in_results() -> None:
    async def handler(ctx: Any, at: Point, others: list[Point] | None = None) -> list[Point]: ...

    signature = read_signature(handler)
    assert bound(handler, {"at": {"x": 1}, "others": None}) == {"at": Point(1), "others": None}
    assert repr(signature.returns) == "v.array(v.object({x: v.float64()}))"
    assert signature.flatten is not None
    assert signature.flatten([Point(2)]) == [{"x": 2}]


def test_results() -> None:
    def unhinted(ctx): ...

    def nothing(ctx: Any) -> None: ...

    def text(ctx: Any) -> "str | None": ...

    assert returns_from_signature(unhinted) is None
    assert returns_from_signature(nothing) == v.null()
    assert returns_from_signature(text) == v.nullable(v.string())
    assert repr(returns_from_signature(create)) == 'v.id("threads")'


def test_hints_as_strings_see_the_enclosing_function() -> None:
    @dataclass
    class Inner:
        x: float

    def handler(ctx: "Context", at: "Inner", user: 'Id["users"]') -> "None":
        handler(ctx, Inner(1), user)

    assert repr(validator_of(handler)) == 'v.object({at: v.object({x: v.float64()}), user: v.id("users")})'


def test_args_take_the_place_of_hints() -> None:
    def handler(ctx, userId, page_size=20): ...  # noqa: N803

    args = v.object({"userId": v.id("users"), "page_size": v.optional(v.number())})
    signature = read_signature(handler, args=args, returns=v.any())
    assert signature.names == {"userId": ("userId",), "page_size": ("page_size", "pageSize")}
    assert (signature.validator, signature.returns) == (args, v.any())
    assert signature.validator is not None
    signature.validator.check({"userId": USER, "pageSize": 1}, TABLES)
    assert signature.bind is not None
    assert signature.bind({"userId": USER, "pageSize": 1}, TABLES) == {"userId": USER, "page_size": 1}


def test_args_in_camel_case_reach_parameters_in_snake_case() -> None:
    def handler(ctx, user_id, **others): ...

    signature = read_signature(handler, args=v.object({"userId": v.any(), "x": v.any()}))
    assert signature.bind is not None
    assert signature.bind({"userId": 1, "x": 2}, TABLES) == {"user_id": 1, "x": 2}


def test_args_that_fit_exactly_stay_as_they_are() -> None:
    def handler(ctx, a): ...

    args = v.object({"a": v.any()})
    signature = read_signature(handler, args=args)
    assert signature.validator is args
    assert signature.bind is None
    assert read_signature(handler, args=v.any()).validator == v.any()


def refused(handler: Callable[..., Any], **options: Any) -> str:
    with pytest.raises(LoadError) as caught:
        read_signature(handler, **options)
    return str(caught.value)


def test_handlers_that_cannot_be_called() -> None:
    def empty() -> None: ...

    def only_rest(**args: Any) -> None: ...

    def positional(ctx: Any, a: str, /) -> None: ...

    def variadic(ctx: Any, *rest: str) -> None: ...

    def twice(ctx: Any, user_id: str, userId: str) -> None: ...  # noqa: N803

    def mixed(ctx: Any, a: str, **rest: Any) -> None: ...

    def spread(ctx: Any, **rest: str) -> None: ...

    def lost(ctx: Any, a: "Nowhere") -> None: ...

    assert refused(empty) == "`empty` takes no `ctx`: the first parameter of a handler is its context"
    assert refused(only_rest) == "`only_rest` takes no `ctx`: the first parameter of a handler is its context"
    by_position = "by position, but arguments are passed by name: write it as an ordinary parameter after `ctx`"
    assert refused(positional) == f"`positional` takes `a: str` {by_position}"
    assert refused(variadic) == f"`variadic` takes `*rest: str` {by_position}"
    assert refused(twice) == "`twice` takes `user_id` and `userId`, which are both `userId` on the wire: rename one"
    assert refused(mixed) == (
        "`mixed` has a hint at `a` and takes `**rest`, but hints declare all arguments: "
        "name the others too, or leave out the hints"
    )
    assert refused(spread) == (
        "`spread` has a hint at `rest` and takes `**rest`, but hints declare all arguments: "
        "name the others too, or leave out the hints"
    )
    assert refused(lost) == (
        "the hint of `a` in `lost` cannot be resolved (name 'Nowhere' is not defined): "
        "import what it names at the top of the module, not under TYPE_CHECKING"
    )


def test_a_hint_without_values_names_its_parameter() -> None:
    def handler(ctx: Any, when: set[str]) -> None: ...

    def result(ctx: Any) -> set[str]: ...

    assert refused(handler) == (
        "parameter `when` of `handler`: the hint `set[str]` describes no kind of value: use list"
    )
    assert refused(result) == "result of `result`: the hint `set[str]` describes no kind of value: use list"


def test_args_and_parameters_have_to_fit() -> None:
    def handler(ctx, user_id): ...

    assert refused(handler, args=v.object({"userId": v.any(), "b": v.any()})) == (
        "`handler` takes no parameter `b`, which args= declares: add it"
    )
    assert refused(handler, args=v.object({})) == (
        "`handler` takes `user_id`, which args= does not declare: add it, or a default"
    )
    assert refused(handler, args=v.object({"user_id": v.optional(v.any())})) == (
        "`handler` takes `user_id`, which is optional in args=: give it a default"
    )
    assert refused(handler, args=v.object({"userId": v.any(), "user_id": v.any()})) == (
        "args= declares `userId` and `user_id` for one parameter: remove one"
    )
