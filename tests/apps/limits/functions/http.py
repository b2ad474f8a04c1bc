"""Endpoints that may not be asked often."""

from starlette.requests import Request

from reactor import ActionCtx, Rate, http_action, http_router

http = http_router()


@http.route(path="/hook", method="POST")
@http_action(rate=Rate(2, per="hour"))
async def hook(ctx: ActionCtx, request: Request) -> str:
    return "taken"


@http.route(path="/free", method="POST")
@http_action()
async def free(ctx: ActionCtx, request: Request) -> str:
    return "taken"
