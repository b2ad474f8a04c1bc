"""Type hints as validators, and what handlers get for them."""

# ruff: noqa: F821 - the text in Id["users"] is no forward reference

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, NewType, NotRequired, Optional, Required, TypedDict, TypeVar, Union

import msgspec
import pytest
from msgspec import Meta

from reactor.errors import LoadError
from reactor.values import UNSET, CommitTs, Int64, UnsetType, Value, v
from reactor.values.hints import DocumentId, Id, convert, converter_from_hint, to_plain, validator_from_hint

from .tables import TABLES, USER

WHOLE = "v.float64() /* whole number */"
Email = NewType("Email", str)
T = TypeVar("T")


class Profile(TypedDict):
    name: str
    age: NotRequired[int]


class Loose(TypedDict, total=False):
    name: Required[str]
    nick: str


class Inherited(Loose):
    email: "NotRequired[str]"
    user: "Id['users'] | None"


@dataclass
class Point:
    x: float
    y: float = 0
    tags: list[str] = field(default_factory=list[str])
    length: float = field(init=False, default=0)


class Circle(msgspec.Struct, tag="circle", rename="camel"):
    center_point: Point
    radius: int | UnsetType = UNSET


class Square(msgspec.Struct, tag_field="kind", tag=4):
    side: Annotated[float, Meta(gt=0)]


class Colour(enum.Enum):
    RED = "red"


class Node(TypedDict):
    children: "list[Node]"


Odd = TypedDict("Odd", {"a b": int})


class Lost(TypedDict):
    there: "Nowhere"  # pyright: ignore[reportUndefinedVariable]


class Pair(msgspec.Struct, array_like=True):
    a: int


@dataclass
class Seeded:
    seed: InitVar[int]


@pytest.mark.parametrize(
    ("hint", "notation"),
    [
        (str, "v.string()"),
        (float, "v.float64()"),
        (int, WHOLE),
        (bool, "v.boolean()"),
        (None, "v.null()"),
        (type(None), "v.null()"),
        (bytes, "v.bytes()"),
        (Int64, "v.int64()"),
        (CommitTs, "v.commitTs()"),
        (Any, "v.any()"),
        (object, "v.any()"),
        (Id["users"], 'v.id("users")'),
        (list, "v.array(v.any())"),
        (list[Id["users"]], 'v.array(v.id("users"))'),
        (Sequence[str], "v.array(v.string())"),
        (dict, "v.record(v.string(), v.any())"),
        (dict[str, int], f"v.record(v.string(), {WHOLE})"),
        (Mapping[Id["users"], bool], 'v.record(v.id("users"), v.boolean())'),
        (Literal["a"], 'v.literal("a")'),
        (Literal["a", 1, True, None], 'v.union(v.literal("a"), v.literal(1.0), v.literal(true), v.null())'),
        (Optional[str], "v.union(v.string(), v.null())"),  # noqa: UP045
        (Union[str, bytes], "v.union(v.string(), v.bytes())"),  # noqa: UP007
        (str | None, "v.union(v.string(), v.null())"),
        (Id["users"] | None, 'v.union(v.id("users"), v.null())'),
        (int | float, "v.float64()"),
        (int | float | None, "v.union(v.float64(), v.null())"),
        (Email, "v.string()"),
        (Profile, f"v.object({{age: v.optional({WHOLE}), name: v.string()}})"),
        (Loose, "v.object({name: v.string(), nick: v.optional(v.string())})"),
        (
            Inherited,
            "v.object({email: v.optional(v.string()), name: v.string(), nick: v.optional(v.string()), "
            'user: v.union(v.id("users"), v.null())})',
        ),
        (
            Point,
            "v.object({tags: v.optional(v.array(v.string())), x: v.float64(), y: v.optional(v.float64())})",
        ),
        (
            Circle,
            "v.object({centerPoint: v.object({tags: v.optional(v.array(v.string())), x: v.float64(), "
            f'y: v.optional(v.float64())}}), radius: v.optional({WHOLE}), type: v.literal("circle")}})',
        ),
        (Square, "v.object({kind: v.literal(4.0), side: v.float64() /* > 0 */})"),
        (Annotated[str, "a remark"], "v.string()"),
        (Annotated[int, Meta(ge=0, lt=10)], "v.float64() /* whole number, >= 0, < 10 */"),
        (Annotated[float, Meta(le=1, multiple_of=0.5)], "v.float64() /* <= 1, multiple of 0.5 */"),
        (Annotated[Int64, Meta(gt=0)], "v.int64() /* > 0 */"),
        (Annotated[str, Meta(min_length=1, max_length=3)], "v.string() /* length >= 1, length <= 3 */"),
        (Annotated[str, Meta(pattern="^a+$")], 'v.string() /* pattern "^a+$" */'),
        (Annotated[str | None, Meta(min_length=1)], "v.union(v.string() /* length >= 1 */, v.null())"),
        (Annotated[list[str], Meta(max_length=2)], "v.array(v.string()) /* length <= 2 */"),
        (dict[Annotated[str, Meta(pattern="^a")], Any], 'v.record(v.string() /* pattern "^a" */, v.any())'),
    ],
)
def test_each_hint_has_a_validator(hint: Any, notation: str) -> None:
    assert validator_from_hint(hint).render() == notation


@pytest.mark.parametrize(
    ("hint", "taken", "refused"),
    [
        (int, [0, 20, 20.0, -0.0, 2.0**60, Int64], [0.5, float("nan"), float("inf"), True, "1"]),
        (Annotated[float, Meta(ge=0, lt=1)], [0, 0.5], [1, -0.1, float("nan"), "0"]),
        (Annotated[float, Meta(gt=0, le=1)], [1, 0.5], [0, 1.1]),
        (Annotated[int, Meta(multiple_of=5)], [0, 10.0], [7, float("inf")]),
        (Annotated[str, Meta(min_length=2, max_length=2)], ["ab", "é\U0001f600"], ["a", "abc", b"ab"]),
        (Annotated[str, Meta(pattern="b")], ["abc"], ["ac"]),
        (Annotated[list[int], Meta(min_length=1)], [[1]], [[], [1.5]]),
    ],
)
def test_constraints_hold(hint: Any, taken: list[Value], refused: list[Value]) -> None:
    validator = validator_from_hint(hint)
    assert [value for value in taken if value is not Int64 and not validator.accepts(value, TABLES)] == []
    assert [value for value in refused if validator.accepts(value, TABLES)] == []


def failure(hint: Any, value: Value) -> str:
    found = validator_from_hint(hint).explain(value, TABLES, "")
    assert found is not None
    return found.text()


def test_a_broken_constraint_stands_in_the_message() -> None:
    assert failure(int, 2.5) == (
        "Value does not match validator.\n\nValue: 2.5\nValidator: v.float64() /* whole number */"
    )
    assert failure(Annotated[list[str], Meta(max_length=1)], ["a", 1]) == (
        "Value does not match validator.\nPath: [1]\nValue: 1.0\nValidator: v.string()"
    )


def test_constraints_are_not_part_of_the_serialised_form() -> None:
    assert validator_from_hint(Annotated[int, Meta(ge=0)]).to_json() == {"type": "number"}


def no_kind(
    written: str, instead: str = "Any, a hint that values have, or declare the validator with v.* instead of hints"
) -> str:
    return f"parameter `p` of `f`: the hint `{written}` describes no kind of value: use {instead}"


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (datetime, no_kind("datetime", "float (milliseconds since 1970) or str (ISO format)")),
        (tuple[int, str], no_kind("tuple[int, str]", "list")),
        (set, no_kind("set", "list")),
        (Id, no_kind("Id", 'Id["users"], with the name of the table')),
        (Colour, no_kind("Colour", "Literal[…] with the values of its members")),
        (T, no_kind("~T")),
        (Callable[[], None], no_kind("collections.abc.Callable[[], None]")),
        (
            list[datetime],
            "an element in parameter `p` of `f`: the hint `datetime` describes no kind of value: "
            "use float (milliseconds since 1970) or str (ISO format)",
        ),
        (
            dict[int, str],
            "parameter `p` of `f`: keys of v.record are strings, ids or a union of those, "
            "not v.float64() /* whole number */",
        ),
        (
            Literal[b"a"],
            "parameter `p` of `f`: the hint `typing.Literal[b'a']` has a member that is no str, int, bool or None: "
            "write its value",
        ),
        (
            Node,
            "an element in field `children` of Node in parameter `p` of `f`: Node contains itself, "
            "which no validator can say: use Any inside of it",
        ),
        (
            Lost,
            "parameter `p` of `f`: a hint in Lost cannot be resolved (name 'Nowhere' is not defined): import the name "
            "at the top of the module, not under TYPE_CHECKING or inside a function",
        ),
        (
            Odd,
            "Odd in parameter `p` of `f`: v.object: the field name 'a b' is no identifier: use ASCII letters, digits "
            "and `_`, begin with a letter or `_`, and not only underscores; for free keys use v.record(v.string(), …)",
        ),
        (
            Pair,
            "parameter `p` of `f`: Pair is declared array_like, but values have no tuples: leave that out",
        ),
        (
            Seeded,
            "parameter `p` of `f`: Seeded has an InitVar, which no stored value can give: make it an ordinary field",
        ),
        (
            Annotated[str, Meta(ge=1)],
            "parameter `p` of `f`: the constraint `>= 1` does not fit v.string(): it is for bigint, number",
        ),
        (
            Annotated[str, Meta(tz=True)],
            "parameter `p` of `f`: the constraint `tz` is for datetime, which is no value: "
            "store milliseconds since 1970",
        ),
    ],
)
def test_a_hint_that_describes_no_values_is_told_with_its_place(hint: Any, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        validator_from_hint(hint, "parameter `p` of `f`")
    assert str(caught.value) == message


def test_an_id_names_its_table() -> None:
    subscript: Any = Id
    with pytest.raises(LoadError) as caught:
        subscript[7]
    assert str(caught.value) == 'Id takes the name of a table, as in Id["users"], not 7'


@pytest.mark.parametrize("hint", [str, float, Any, Id["users"], list[str], dict[str, Any], Loose, str | None, bool])
def test_most_hints_need_no_conversion(hint: Any) -> None:
    assert converter_from_hint(hint) is None
    value: list[Value] = []
    assert convert(hint, value, TABLES) is value


@pytest.mark.parametrize(
    ("hint", "value", "converted"),
    [
        (int, 20.0, 20),
        (int, 20, 20),
        (int | None, 3.0, 3),
        (int | None, None, None),
        (str | int, "3", "3"),
        (list[int], [1.0, 2], [1, 2]),
        (dict[str, int], {"a": 1.0}, {"a": 1}),
        (Profile, {"name": "a", "age": 5.0}, {"name": "a", "age": 5}),
        (Profile, {"name": "a"}, {"name": "a"}),
        (Point, {"x": 1.5}, Point(1.5)),
        (Point | None, {"x": 1, "y": 2, "tags": ["a"]}, Point(1, 2, ["a"])),
        (list[Point], [{"x": 1}], [Point(1)]),
        (dict[str, Point | str], {"a": {"x": 1}, "b": "x"}, {"a": Point(1), "b": "x"}),
        (Circle, {"type": "circle", "centerPoint": {"x": 1}, "radius": 2.0}, Circle(Point(1), 2)),
        (Circle, {"type": "circle", "centerPoint": {"x": 1}}, Circle(Point(1))),
        (Circle | Square, {"kind": 4.0, "side": 2}, Square(2)),
    ],
)
def test_handlers_get_what_their_hints_promise(hint: Any, value: Value, converted: Any) -> None:
    validator_from_hint(hint).check(value, TABLES)
    result = convert(hint, value, TABLES)
    assert (result, repr(result)) == (converted, repr(converted))


def test_conversion_leaves_the_argument_alone() -> None:
    value = {"name": "a", "age": 5.0}
    convert(Profile, value, TABLES)
    assert repr(value) == "{'name': 'a', 'age': 5.0}"


def test_members_of_a_union_may_differ_by_the_table_of_an_id() -> None:
    @dataclass
    class ByPost:
        by: Id["posts"]

    @dataclass
    class ByUser:
        by: Id["users"]

    assert isinstance(convert(ByPost | ByUser, {"by": USER}, TABLES), ByUser)


def test_instances_in_results_become_dicts() -> None:
    shapes = {"all": [Circle(Point(1), UNSET), Square(2)], "pair": (Point(3, 4, ["a"]), None)}
    assert to_plain(shapes) == {
        "all": [
            {"type": "circle", "centerPoint": {"x": 1, "y": 0, "tags": []}},
            {"kind": 4, "side": 2},
        ],
        "pair": [{"x": 3, "y": 4, "tags": ["a"]}, None],
    }


U = TypeVar("U")


class Page(TypedDict, Generic[T, U]):
    rows: list[T]
    by: NotRequired[dict[str, U]]
    first: T


def test_a_generic_typed_dict_is_what_its_arguments_make_of_it():
    profiles = validator_from_hint(Page[Profile, int])
    assert profiles.to_json() == (
        v.object(
            {
                "rows": v.array(validator_from_hint(Profile)),
                "by": v.optional(v.record(v.string(), validator_from_hint(int))),
                "first": validator_from_hint(Profile),
            }
        ).to_json()
    )
    assert convert(Page[str, int], {"rows": [], "by": {"a": 2.0}, "first": ""}, TABLES)["by"] == {"a": 2}
    anything = v.object({"rows": v.array(v.any()), "by": v.optional(v.record(v.string(), v.any())), "first": v.any()})
    assert validator_from_hint(Page).to_json() == anything.to_json()


def test_a_field_of_a_typed_dict_that_may_be_unset_may_be_missing():
    class Changes(TypedDict, total=False):
        name: str | UnsetType

    assert validator_from_hint(Changes).to_json() == v.object({"name": v.optional(v.string())}).to_json()


def test_ids_of_which_only_type_checkers_know_the_document_are_text():
    assert validator_from_hint(DocumentId[Profile]).to_json() == v.string().to_json()
