"""HTTP endpoints of an application's own, as it declares them in `functions/http.py`.

    http = http_router()

    @http.route(path="/hooks/payments", method="POST")
    @http_action
    async def payment(ctx: ActionCtx, request: Request) -> Response: ...

Behaviour follows get-convex/convex-backend, npm-packages/convex/src/server/router.ts.
"""

import inspect
from collections.abc import Callable
from typing import Any, cast, overload

from reactor.errors import LoadError
from reactor.runtime.frames import declared_at
from reactor.runtime.functions import Function
from reactor.runtime.http_routes import METHODS, Match, Pattern, RouteTable, path_pattern, prefix_pattern
from reactor.runtime.rates import Rate, read_rate

__all__ = ["HttpAction", "HttpRouter", "http_action", "http_router"]

Handler = Callable[..., Any]
"""Takes `ctx` and a starlette Request; an `async def` or a `def`."""


class HttpAction:
    """A function that answers HTTP requests. Calling it calls the handler."""

    __slots__ = ("handler", "is_async", "rate")

    def __init__(self, handler: Handler, rate: Rate | None = None) -> None:
        _check(handler)
        self.rate = read_rate(f"{declared_at(handler)}: @http_action", rate, internal=False)
        self.handler = handler
        self.is_async = inspect.iscoroutinefunction(inspect.unwrap(handler))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.handler(*args, **kwargs)

    @property
    def __wrapped__(self) -> Handler:
        return self.handler

    def __repr__(self) -> str:
        return f"<http action {self.handler.__name__}>"


@overload
def http_action(handler: Handler, /) -> HttpAction: ...
@overload
def http_action(*, rate: Rate | None = None) -> Callable[[Handler], HttpAction]: ...
def http_action(
    handler: Handler | None = None, /, *, rate: Rate | None = None
) -> HttpAction | Callable[[Handler], HttpAction]:
    """Make a function the handler of HTTP requests; `http_router().route(...)` says of which.

    It gets `ctx: ActionCtx` and a `starlette.requests.Request`, and returns a `starlette.responses.Response`, or for
    short: text, bytes, a dict or list (sent as JSON), or None (no content). `rate` is how often requests may reach each
    of its routes; what is too much is answered with 429. Raises LoadError for what cannot be one.
    """

    def declare(handler: Handler) -> HttpAction:
        return HttpAction(handler, rate)

    return declare if handler is None else declare(handler)


class HttpRouter:
    """The routes of an application. The one in `functions/http.py` serves."""

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table: RouteTable[HttpAction] = RouteTable()

    @overload
    def route(
        self, *, path: str, method: str, handler: "HttpAction | Handler", path_prefix: None = None
    ) -> HttpAction: ...
    @overload
    def route(
        self, *, path_prefix: str, method: str, handler: "HttpAction | Handler", path: None = None
    ) -> HttpAction: ...
    @overload
    def route(
        self, *, path: str, method: str, path_prefix: None = None, handler: None = None
    ) -> Callable[["HttpAction | Handler"], HttpAction]: ...
    @overload
    def route(
        self, *, path_prefix: str, method: str, path: None = None, handler: None = None
    ) -> Callable[["HttpAction | Handler"], HttpAction]: ...
    def route(
        self,
        *,
        path: str | None = None,
        path_prefix: str | None = None,
        method: str,
        handler: "HttpAction | Handler | None" = None,
    ) -> HttpAction | Callable[["HttpAction | Handler"], HttpAction]:
        """Route requests of one method to a handler; without `handler` it is a decorator.

        `path` is a whole path, `path_prefix` (with a slash at its end) the beginning of one. A part between slashes
        may be a parameter, as in `/users/{user_id}`: `request.path_params["user_id"]`. What follows a prefix is
        `request.path_params["rest"]`. Raises LoadError for an impossible path or method, and for a second route of the
        same.
        """
        pattern = _pattern(path, path_prefix)
        _check_method(method)

        def add(handler: "HttpAction | Handler") -> HttpAction:
            action = _action(handler, f"{method} {pattern.shown}")
            self._table.add(method, pattern, action)
            return action

        return add if handler is None else add(handler)

    def find(self, method: str, path: str) -> Match[HttpAction] | None:
        """The handler for a request's method and raw path, None when there is none."""
        return self._table.find(method, path)

    def routes(self) -> list[tuple[str, str]]:
        """Method and path of each route, prefixes with a star behind them, in the order of listings."""
        return [(method, pattern.shown) for method, pattern in self._table]

    def __repr__(self) -> str:
        return f"<http router with {len(self._table)} routes>"


def http_router() -> HttpRouter:
    """An empty router. Assign it to `http` in `functions/http.py`."""
    return HttpRouter()


def _pattern(path: str | None, path_prefix: str | None) -> Pattern:
    if path is not None and path_prefix is None:
        return path_pattern(path)
    if path_prefix is not None and path is None:
        return prefix_pattern(path_prefix)
    raise LoadError("A route needs either `path` or `path_prefix`, and not both.")


def _check_method(method: object) -> None:
    if method == "HEAD":
        raise LoadError("HEAD has no routes of its own: it is answered by the route for GET, without the body.")
    if method not in METHODS:
        raise LoadError(f"{method!r} is no method of a route. Choose one of {', '.join(METHODS)}.")


def _action(handler: "HttpAction | Handler", route: str) -> HttpAction:
    if isinstance(handler, HttpAction):
        return handler
    if isinstance(handler, Function):
        function = cast("Function[..., Any]", handler)
        raise LoadError(
            f"{route}: {function!r} cannot answer requests. Write an @http_action that calls it, as in "
            "`await ctx.run_query(...)`."
        )
    return HttpAction(handler)


def _check(handler: object) -> None:
    if not inspect.isfunction(handler):
        raise LoadError(
            f"@http_action stands on {handler!r}: put it on a `def` or `async def`, and only one such there."
        )
    where = f"{declared_at(handler)}: @http_action {handler.__name__}"
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise LoadError(f"{where} uses `yield`: return a starlette.responses.StreamingResponse of a generator instead.")
    try:
        inspect.signature(handler).bind("ctx", "request")
    except TypeError:
        raise LoadError(f"{where}: it is called with two arguments, so write `(ctx, request)`.") from None
