"""Endpoints that put what the client says into answers."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reactor import ActionCtx, http_action, http_router

http = http_router()


@http.route(path="/header", method="GET")
@http_action
async def header(ctx: ActionCtx, request: Request) -> Response:
    return Response("body", headers={"x-echo": request.query_params["value"]})


@http.route(path="/name", method="GET")
@http_action
async def name(ctx: ActionCtx, request: Request) -> Response:
    return Response("body", headers={request.query_params["value"]: "x"})


@http.route(path="/redirect", method="GET")
@http_action
async def redirect(ctx: ActionCtx, request: Request) -> Response:
    return RedirectResponse(request.query_params["value"])


@http.route(path_prefix="/folder/", method="GET")
@http_action
async def folder(ctx: ActionCtx, request: Request) -> Response:
    return Response(f"folder {request.url.path}")


@http.route(path="/secret", method="GET")
@http_action
async def secret(ctx: ActionCtx, request: Request) -> Response:
    return Response("the secret page")
