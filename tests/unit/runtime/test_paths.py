import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import DeveloperError
from reactor.runtime.paths import FunctionPath, parse

NAMES = st.from_regex(r"_{0,2}[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,5}){0,3}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "module", "export"),
    [
        ("rooms:list", "rooms", "list"),
        ("rooms.js:list", "rooms", "list"),
        ("admin/rooms.js:list", "admin/rooms", "list"),
        ("rooms", "rooms", "default"),
        ("rooms.js", "rooms", "default"),
        ("rooms:default", "rooms", "default"),
        ("rooms.test.js:f", "rooms.test", "f"),
        ("_system/cli/tables:list", "_system/cli/tables", "list"),
        ("a1/_b2:_c3", "a1/_b2", "_c3"),
        (f"{'m' * 64}:{'f' * 64}", "m" * 64, "f" * 64),
    ],
)
def test_spellings_of_paths(text: str, module: str, export: str) -> None:
    assert parse(text) == FunctionPath(module, export)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":f",
        "m:",
        "m:f g",
        "m:1f",
        "m:_",
        "m:__",
        "m:f.g",
        "m.ts:f",
        "m.py:f",
        ".js:f",
        "/m:f",
        "m/:f",
        "a//m:f",
        "../m:f",
        "./m:f",
        "a:b:c",
        "my-module:f",
        "mö:f",
        "m:ö",
        "m\n:f",
        "m:f\n",
        f"{'m' * 65}:f",
        f"m:{'f' * 65}",
    ],
)
def test_malformed_paths_are_named_in_the_error(text: str) -> None:
    with pytest.raises(DeveloperError) as caught:
        parse(text)
    assert caught.value.code == "BadConvexFunctionIdentifier"
    assert str(caught.value).startswith(f"{text} is not a valid path to a Convex function. ")


def test_forms_of_a_path() -> None:
    path = parse("admin/user_rooms:list_all")
    assert path.canonical == "admin/user_rooms:list_all"
    assert path.short == "admin/user_rooms:list_all"
    assert path.with_extension == "admin/user_rooms.js:list_all"
    assert path.camel.canonical == "admin/userRooms:listAll"
    assert not path.is_system


def test_a_default_export_is_left_out_of_the_short_form_only() -> None:
    path = parse("rooms.js")
    assert (path.canonical, path.short, path.with_extension) == ("rooms:default", "rooms", "rooms.js:default")


def test_system_functions_are_told_by_their_first_component() -> None:
    assert parse("_system/frontend/x:y").is_system
    assert not parse("_systems/x:y").is_system


@given(NAMES)
def test_camel_case_of_a_path_is_where_all_spellings_meet(name: str) -> None:
    path = FunctionPath(name, name)
    assert path.camel.camel == path.camel
