from starlette.requests import Request

from reactor import ActionCtx, http_router

http = http_router()


@http.route(path="/greeting", method="GET")
async def greeting(ctx: ActionCtx, request: Request):
    return ctx.env.get("GREETING", "nothing")
