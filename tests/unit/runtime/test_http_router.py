"""Declaring endpoints: every form, and what is refused where it stands."""

from typing import Any

import pytest

from reactor import HttpRouter, http_action, http_router, query
from reactor.errors import LoadError
from reactor.runtime.http_router import HttpAction


async def plain(ctx: Any, request: Any) -> str:
    return "plain"


def found(router: HttpRouter, method: str, path: str) -> HttpAction:
    match = router.find(method, path)
    assert match is not None
    return match.handler


def test_a_route_is_a_decorator_or_takes_a_handler():
    router = http_router()

    @router.route(path="/a", method="GET")
    @router.route(path="/b", method="POST")
    @http_action
    async def decorated(ctx: Any, request: Any) -> str:
        return "decorated"

    given = http_action(plain)
    assert router.route(path="/c", method="PUT", handler=given) is given
    assert router.route(path_prefix="/d/", method="PATCH", handler=plain).handler is plain
    assert found(router, "GET", "/a") is found(router, "POST", "/b") is decorated
    assert found(router, "PUT", "/c") is given
    assert found(router, "PATCH", "/d/e").handler is plain
    assert router.routes() == [("GET", "/a"), ("POST", "/b"), ("PUT", "/c"), ("PATCH", "/d/*")]
    assert repr(router) == "<http router with 4 routes>"


def test_an_action_can_be_called_as_the_function_it_is():
    @http_action
    def double(ctx: Any, request: Any) -> int:
        return request * 2

    assert double(None, 2) == 4
    assert not double.is_async
    assert http_action(plain).is_async
    assert repr(double) == "<http action double>"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "GET"}, "either `path` or `path_prefix`"),
        ({"path": "/a", "path_prefix": "/a/", "method": "GET"}, "either `path` or `path_prefix`"),
        ({"path": "/a", "method": "HEAD"}, "answered by the route for GET"),
        ({"path": "/a", "method": "get"}, "Choose one of GET, POST"),
        ({"path": "/a", "method": "TRACE"}, "Choose one of GET, POST"),
        ({"path": "/a", "method": ["GET"]}, "Choose one of GET, POST"),
        ({"path": 5, "method": "GET"}, "not int"),
        ({"path": "/a/", "path_prefix": None, "method": None}, "None is no method"),
    ],
)
def test_impossible_routes_are_refused(options: dict[str, Any], says: str):
    with pytest.raises(LoadError) as caught:
        http_router().route(**options, handler=plain)
    assert says in str(caught.value)


def test_what_cannot_answer_a_request_is_refused():
    async def generator(ctx: Any, request: Any):
        yield b""

    async def alone(ctx: Any) -> None: ...

    class Callable:
        def __call__(self, ctx: Any, request: Any) -> None: ...

    @query
    async def listed(ctx: Any) -> None: ...

    for handler, says in (
        (generator, "StreamingResponse"),
        (alone, "`(ctx, request)`"),
        (Callable(), "put it on a `def`"),
        (http_action, "`(ctx, request)`"),
        (listed, "Write an @http_action that calls it"),
    ):
        with pytest.raises(LoadError) as caught:
            http_router().route(path="/a", method="GET", handler=handler)
        assert says in str(caught.value)
    with pytest.raises(LoadError):
        http_action(http_action(plain))
