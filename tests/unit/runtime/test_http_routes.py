"""Finding a route: against a matcher that tries every pattern, and the rules one by one."""

from itertools import product
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import LoadError
from reactor.runtime.http_routes import METHODS, Pattern, RouteTable, path_pattern, prefix_pattern


def table(*routes: str) -> RouteTable[str]:
    """Routes as listings write them: `GET /a`, `POST /b/*`; the handler is the text itself."""
    made: RouteTable[str] = RouteTable()
    for route in routes:
        method, _, path = route.partition(" ")
        made.add(method, prefix_pattern(path[:-1]) if path.endswith("/*") else path_pattern(path), route)
    return made


def handler(routes: RouteTable[str], method: str, path: str) -> str | None:
    found = routes.find(method, path)
    return None if found is None else found.handler


# Rules


def test_a_whole_path_beats_a_prefix_and_a_longer_prefix_a_shorter_one():
    routes = table("GET /a/b", "GET /*", "GET /a/*", "GET /a/b/*")
    assert handler(routes, "GET", "/a/b") == "GET /a/b"
    assert handler(routes, "GET", "/a/b/c") == "GET /a/b/*"
    assert handler(routes, "GET", "/a/x/y") == "GET /a/*"
    assert handler(routes, "GET", "/a/") == "GET /a/*"
    assert handler(routes, "GET", "/a") == "GET /*"
    assert handler(routes, "GET", "/") == "GET /*"


def test_a_written_part_beats_a_parameter_from_the_left():
    routes = table("GET /{x}/b", "GET /a/{y}", "GET /{x}/{y}", "GET /a/b/*", "GET /{x}/b/*")
    assert handler(routes, "GET", "/a/b") == "GET /a/{y}"
    assert handler(routes, "GET", "/c/b") == "GET /{x}/b"
    assert handler(routes, "GET", "/c/d") == "GET /{x}/{y}"
    assert handler(routes, "GET", "/a/b/c") == "GET /a/b/*"
    assert handler(routes, "GET", "/z/b/c") == "GET /{x}/b/*"


def test_a_better_beginning_that_leads_nowhere_is_left_again():
    routes = table("GET /a/x/end", "GET /{p}/y/end", "GET /a/{q}/other")
    assert handler(routes, "GET", "/a/y/end") == "GET /{p}/y/end"
    assert handler(routes, "GET", "/a/y/other") == "GET /a/{q}/other"


def test_methods_are_apart_and_another_one_is_no_match():
    routes = table("GET /a", "POST /*")
    assert handler(routes, "POST", "/a") == "POST /*"
    assert handler(routes, "PUT", "/a") is None
    assert handler(routes, "OPTIONS", "/a") is None
    assert handler(routes, "HEAD", "/a") == "GET /a"
    assert handler(routes, "HEAD", "/b") is None


def test_paths_are_compared_as_they_stand():
    routes = table("GET /a/b", "GET /caf%C3%A9", "GET /d/")
    for path in ("/a%2Fb", "/a/b/", "//a/b", "/a//b", "/%61/b", "/A/b", "/caf%c3%a9", "/d", "", "a/b", "*"):
        assert handler(routes, "GET", path) is None
    assert handler(routes, "GET", "/caf%C3%A9") == "GET /caf%C3%A9"


def test_parameters_are_decoded_and_never_empty():
    routes = table("GET /users/{user_id}/posts/{n}")
    found = routes.find("GET", "/users/a%2Fb%20%C3%BC/posts/%2e%2e")
    assert found is not None
    assert found.params == {"user_id": "a/b ü", "n": ".."}
    assert routes.find("GET", "/users//posts/1") is None
    assert routes.find("GET", "/users/1/posts/") is None


def test_what_follows_a_prefix_is_given_as_it_stands():
    routes = table("GET /files/{owner}/*")
    found = routes.find("GET", "/files/a%20b/../%2e%2e/x")
    assert found is not None
    assert found.params == {"owner": "a b", "rest": "../%2e%2e/x"}


def test_listings_have_whole_paths_first_then_prefixes():
    routes = table("POST /b", "PUT /a/*", "GET /b", "GET /c/*", "GET /a", "GET /b/*")
    assert [f"{method} {pattern.shown}" for method, pattern in routes] == [
        "GET /a",
        "GET /b",
        "POST /b",
        "GET /b/*",
        "GET /c/*",
        "PUT /a/*",
    ]
    assert len(routes) == 6


# Refusals


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("GET /a", "GET /a", "GET /a is routed twice."),
        ("GET /a/*", "GET /a/*", "GET /a/* is routed twice."),
        ("GET /{x}", "GET /{y}", "GET /{y} is routed twice (first as /{x})."),
    ],
)
def test_a_second_route_of_the_same_is_refused(first: str, second: str, says: str):
    with pytest.raises(LoadError) as caught:
        table(first, second)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("a", "must begin with a slash: write '/a'"),
        ("", "must begin with a slash"),
        ("/a?b=1", "write '/a%3Fb=1'"),
        ("/a#b", "write '/a%23b'"),
        ("/a b", "write '/a%20b'"),
        ("/café", "write '/caf%C3%A9'"),
        ("/a/{}", "named like a variable"),
        ("/a/{1x}", "named like a variable"),
        ("/a/{x}.json", "all that stands between two slashes"),
        ("/a/{x", "all that stands between two slashes"),
        ("/{x}/{x}", "a name for two parameters"),
        ("/.files", "reserved"),
        ("/.files/a", "reserved"),
    ],
)
def test_impossible_paths_are_refused_with_the_remedy(path: str, says: str):
    with pytest.raises(LoadError) as caught:
        path_pattern(path)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("prefix", "says"),
    [("/a", "write '/a/'"), ("/.files/", "reserved"), ("/{rest}/", "the name of what follows"), ("a/", "begin with")],
)
def test_impossible_prefixes_are_refused_with_the_remedy(prefix: str, says: str):
    with pytest.raises(LoadError) as caught:
        prefix_pattern(prefix)
    assert says in str(caught.value)


def test_a_prefix_of_everything_is_possible():
    assert handler(table("GET /*"), "GET", "/.files/x") == "GET /*"


# Against a model

PARTS = st.lists(st.sampled_from(["a", "b", "", "{}"]), min_size=0, max_size=4)


def fits(pattern: Pattern, parts: list[str]) -> bool:
    own = pattern.parts
    right_length = len(parts) > len(own) if pattern.prefix else len(parts) == len(own)
    return right_length and all(o == p or (o is None and p) for o, p in zip(own, parts, strict=False))


def rank(pattern: Pattern) -> tuple[bool, int, tuple[bool, ...]]:
    return not pattern.prefix, len(pattern.parts), tuple(part is not None for part in pattern.parts)


def pattern_of(parts: list[str], prefix: bool) -> Pattern:
    named = [f"{{p{at}}}" if part == "{}" else part for at, part in enumerate(parts)]
    text = "/" + "/".join(named)
    return prefix_pattern(text if text == "/" else text + "/") if prefix else path_pattern(text)


@given(
    st.lists(st.tuples(PARTS, st.booleans(), st.sampled_from(METHODS[:2])), max_size=10),
    st.lists(st.sampled_from(["a", "b", "c", "", "%2F"]), min_size=1, max_size=5),
)
def test_the_table_finds_what_trying_every_pattern_finds(declared: list[tuple[list[str], bool, str]], parts: list[str]):
    routes: RouteTable[Pattern] = RouteTable()
    known: set[tuple[str, bool, tuple[str | None, ...]]] = set()
    by_method: dict[str, list[Pattern]] = {method: [] for method in METHODS}
    for own, prefix, method in declared:
        if prefix and own[-1:] == [""] and len(own) == 1:
            continue  # `//` is no prefix that its text can tell from `/`
        pattern = pattern_of(own, prefix)
        key = (method, pattern.prefix, pattern.parts)
        if key in known:
            with pytest.raises(LoadError):
                routes.add(method, pattern, pattern)
            continue
        known.add(key)
        routes.add(method, pattern, pattern)
        by_method[method].append(pattern)
    path = "/" + "/".join(parts)
    for method, asked in product(METHODS[:2], [path]):
        best = max((p for p in by_method[method] if fits(p, parts)), key=rank, default=None)
        found = routes.find(method, asked)
        assert (None if found is None else found.handler) == best
        if found is not None and best is not None:
            expected = {f"p{at}": unquote(parts[at]) for at, part in enumerate(best.parts) if part is None}
            rest = {"rest": "/".join(parts[len(best.parts) :])} if best.prefix else {}
            assert found.params == expected | rest
