from typing import Any

import pytest

from reactor.errors import DeveloperError, FunctionNotFound, LoadError
from reactor.runtime.functions import Decorator, Function, Kind, internal_query, mutation, query
from reactor.runtime.registry import Registry, with_extension
from reactor.values.validators import v


def declared(module: str, name: str, decorator: Decorator = query) -> Function[..., Any]:
    @decorator
    async def handler(ctx: Any) -> None: ...

    handler.place(module, name)
    return handler


OVERVIEW = declared("dashboard_overview", "get_overview")
NESTED = declared("admin_area/user_rooms", "listAll")
DEFAULT = declared("rooms", "default")
ADD = declared("rooms", "add", mutation)
HIDDEN = declared("rooms", "hidden", internal_query)
REGISTRY = Registry([OVERVIEW, NESTED, DEFAULT, ADD, HIDDEN])


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("dashboard_overview:get_overview", OVERVIEW),
        ("dashboardOverview:getOverview", OVERVIEW),
        ("dashboardOverview.js:getOverview", OVERVIEW),
        ("dashboardOverview:get_overview", OVERVIEW),
        ("dashboard_overview.js:getOverview", OVERVIEW),
        ("admin_area/userRooms:list_all", NESTED),
        ("adminArea/userRooms:listAll", NESTED),
        ("rooms", DEFAULT),
        ("rooms.js", DEFAULT),
        ("rooms:default", DEFAULT),
        ("rooms.js:default", DEFAULT),
        ("rooms:nope", None),
        ("Rooms:add", None),
        ("rooms:ADD", None),
    ],
)
def test_every_spelling_finds_the_function(path: str, function: Function[..., Any] | None) -> None:
    assert REGISTRY.find(path) is function


def test_a_malformed_path_is_an_error_of_its_own() -> None:
    with pytest.raises(DeveloperError, match="is not a valid path"):
        REGISTRY.find("rooms.ts:add")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("rooms:nope", "rooms:nope"),
        ("rooms.js:nope", "rooms:nope"),
        ("nowhere", "nowhere"),
        ("rooms:hidden", "rooms:hidden"),
    ],
)
def test_missing_and_internal_functions_look_alike_to_the_public(path: str, named: str) -> None:
    with pytest.raises(FunctionNotFound) as caught:
        REGISTRY.public(path)
    assert str(caught.value) == f"Could not find public function for '{named}'."


def test_admins_see_internal_functions() -> None:
    assert REGISTRY.public("rooms:hidden", admin=True) is HIDDEN


def test_a_function_of_another_kind_is_named_with_both_kinds() -> None:
    assert REGISTRY.expect("rooms:add", Kind.MUTATION) is ADD
    with pytest.raises(DeveloperError) as caught:
        REGISTRY.expect("rooms:add", Kind.QUERY)
    assert str(caught.value) == "Trying to execute rooms.js:add as Query, but it is defined as Mutation."


def test_names_that_differ_only_in_style_are_refused() -> None:
    with pytest.raises(LoadError, match=r"'rooms:listAll': listAll .* and list_all "):
        Registry([declared("rooms", "list_all"), declared("rooms", "listAll")])


def test_two_functions_of_one_path_are_refused() -> None:
    with pytest.raises(LoadError, match="Two functions answer to the path"):
        Registry([declared("rooms", "add"), declared("rooms", "add")])


def test_functions_come_in_order_of_their_paths() -> None:
    assert [function.path for function in REGISTRY] == [
        "admin_area/user_rooms:listAll",
        "dashboard_overview:get_overview",
        "rooms:add",
        "rooms:default",
        "rooms:hidden",
    ]
    assert len(REGISTRY) == 5


def test_the_function_spec_has_validators_and_visibility() -> None:
    @mutation(args={"body": v.string()}, returns=v.id("notes"))
    async def add(ctx, body): ...

    @internal_query
    async def anything(ctx, **args): ...

    add.place("notes", "add")
    anything.place("notes", "anything")
    assert Registry([add, anything]).spec() == [
        {
            "identifier": "notes.js:add",
            "functionType": "Mutation",
            "visibility": {"kind": "public"},
            "args": {"type": "object", "value": {"body": {"fieldType": {"type": "string"}, "optional": False}}},
            "returns": {"type": "id", "tableName": "notes"},
        },
        {
            "identifier": "notes.js:anything",
            "functionType": "Query",
            "visibility": {"kind": "internal"},
            "args": {"type": "any"},
            "returns": {"type": "any"},
        },
    ]
    assert with_extension(add) == "notes.js:add"
