"""Endpoints of each form of route."""

from starlette.requests import Request

from reactor import ActionCtx, http_action, http_router

http = http_router()


@http.route(path="/hooks/{name}", method="POST")
@http_action
async def hook(ctx: ActionCtx, request: Request):
    return {"name": request.path_params["name"], "bytes": len(await request.body())}


@http.route(path_prefix="/tree/", method="GET")
@http_action
async def tree(ctx: ActionCtx, request: Request):
    return request.path_params["rest"]
