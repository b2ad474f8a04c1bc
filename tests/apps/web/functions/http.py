"""Endpoints of every kind: what they answer, how they stream, how they fail."""

import asyncio
import threading

import anyio.from_thread
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from reactor import ActionCtx, ConvexError, Int64, http_action, http_router

http = http_router()
events: list[str] = []
gates: dict[str, asyncio.Event] = {}


def gate(name: str) -> asyncio.Event:
    return gates.setdefault(name, asyncio.Event())


# What is returned


@http.route(path="/text", method="GET")
@http_action
async def text(ctx: ActionCtx, request: Request):
    print("asked for a text")
    return "grüß"


@http.route(path="/bytes", method="GET")
async def raw(ctx: ActionCtx, request: Request):
    return b"\x00\x01"


@http.route(path="/dict", method="GET")
async def dictionary(ctx: ActionCtx, request: Request):
    return {"größe": 1, "wide": Int64(5), "data": b"\x01", "none": None, "odd": float("nan")}


@http.route(path="/list", method="GET")
async def listed(ctx: ActionCtx, request: Request):
    return [1, "two"]


@http.route(path="/nothing", method="GET")
async def nothing(ctx: ActionCtx, request: Request):
    return None


@http.route(path="/number", method="GET")
async def number(ctx: ActionCtx, request: Request):
    return 5


@http.route(path="/unsayable", method="GET")
async def unsayable(ctx: ActionCtx, request: Request):
    return {"when": object()}


@http.route(path="/head/{kind}", method="GET")
async def odd_head(ctx: ActionCtx, request: Request):
    """Responses that a server must not pass on as they are."""
    match request.path_params["kind"]:
        case "two":
            response = Response("twice", 418)
            response.headers.append("x-two", "1")
            response.headers.append("x-two", "2")
            return response
        case "break":
            return Response("x", headers={"x-evil": "1\r\nset-cookie: stolen=1"})
        case "name":
            return Response("x", headers={"x evil": "1"})
        case "length":
            return Response("x", headers={"content-length": "many"})
        case "status":
            return Response("x", 99)
        case "hop":
            return Response("passed on", headers={"transfer-encoding": "chunked", "keep-alive": "5", "x-kept": "1"})
        case "short":
            return Response("short", headers={"content-length": "100"})
        case _:
            return Response("a body where none may be", 204)


# What is asked


@http.route(path="/echo", method="POST")
async def echo(ctx: ActionCtx, request: Request):
    return Response(await request.body(), media_type=request.headers.get("content-type"))


@http.route(path="/form", method="POST")
async def form(ctx: ActionCtx, request: Request):
    async with request.form() as fields:
        found = {}
        for name, value in fields.items():
            found[name] = value if isinstance(value, str) else [value.filename, (await value.read()).decode()]
        return found


async def seen(ctx: ActionCtx, request: Request):
    """Everything that a handler learns of a request."""
    return {
        "method": request.method,
        "url": str(request.url),
        "params": dict(request.path_params),
        "query": request.query_params.multi_items(),
        "twice": request.headers.getlist("x-twice"),
        "authorization": request.headers.get("authorization"),
    }


for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
    http.route(path="/seen", method=method, handler=seen)
http.route(path="/seen/{first}/of/{second}", method="GET", handler=seen)
http.route(path_prefix="/files/", method="GET", handler=seen)
http.route(path_prefix="/files/private/", method="GET", handler=http_action(seen))
http.route(path="/files/index", method="GET", handler=seen)


@http.route(path="/who", method="GET")
async def who(ctx: ActionCtx, request: Request):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["tokenIdentifier"]


@http.route(path="/who-below", method="GET")
async def who_below(ctx: ActionCtx, request: Request):
    return await ctx.run_query("notes:who")


# What it does


@http.route(path="/notes", method="POST")
async def add(ctx: ActionCtx, request: Request):
    fields = await request.json()
    id = await ctx.run_mutation("notes:add", text=fields["text"])
    return JSONResponse({"id": id, "notes": await ctx.run_query("notes:all")}, 201, headers={"x-kept": "yes"})


@http.route(path="/thread", method="POST")
def threaded(ctx: ActionCtx, request: Request):
    """Runs in a thread, and reaches what is asynchronous from there."""
    assert threading.current_thread() is not threading.main_thread()
    print("in a thread")
    body = anyio.from_thread.run(request.body)
    id = anyio.from_thread.run(lambda: ctx.run_mutation("notes:add", text=body.decode()))
    return {"added": bool(id)}


@http.route(path="/fails", method="GET")
async def fails(ctx: ActionCtx, request: Request):
    raise ValueError("the pipes are frozen")


@http.route(path="/refuses", method="GET")
async def refuses(ctx: ActionCtx, request: Request):
    raise ConvexError({"code": "CLOSED", "until": Int64(7)})


@http.route(path="/forever", method="GET")
async def forever(ctx: ActionCtx, request: Request):
    while True:
        pass


# Streams


@http.route(path="/count/{n}", method="GET")
async def count(ctx: ActionCtx, request: Request):
    """Numbers, of which each waits for its gate `count N`, if there is one."""

    async def numbers():
        for n in range(int(request.path_params["n"])):
            if f"count {n}" in gates:
                await gates[f"count {n}"].wait()
            yield f"{n}\n"

    return StreamingResponse(numbers(), media_type="text/plain")


@http.route(path="/mirror", method="POST")
async def mirror(ctx: ActionCtx, request: Request):
    """Sends every piece back as it comes."""

    async def pieces():
        async for piece in request.stream():
            yield piece

    return StreamingResponse(pieces())


@http.route(path="/endless", method="GET")
@http.route(path="/endless", method="POST")
async def endless(ctx: ActionCtx, request: Request):
    """A first event, and then none for ever."""

    async def pieces():
        events.append("stream began")
        try:
            yield b"first\n"
            await asyncio.Event().wait()
        finally:
            events.append("stream ended")
            gate("stream ended").set()

    return StreamingResponse(pieces(), media_type="text/event-stream")


@http.route(path="/flood", method="GET")
async def flood(ctx: ActionCtx, request: Request):
    """More than may be sent."""

    def pieces():
        while True:
            yield b"x" * 65536

    return StreamingResponse(pieces())


@http.route(path="/breaks", method="GET")
async def breaks(ctx: ActionCtx, request: Request):
    """Fails after the head was sent."""

    async def pieces():
        yield b"the beginning\n"
        raise OSError("the source dried up")

    return StreamingResponse(pieces())


@http.route(path="/spins", method="GET")
async def spins(ctx: ActionCtx, request: Request):
    """Computes for ever while it streams."""

    async def pieces():
        yield b"the beginning\n"
        while True:
            pass

    return StreamingResponse(pieces())


@http.route(path="/large", method="GET")
async def large(ctx: ActionCtx, request: Request):
    return Response(b"x" * 200_000)


@http.route(path="/afterwards", method="GET")
async def afterwards(ctx: ActionCtx, request: Request):
    """Does something when the response has been sent."""

    async def work():
        await asyncio.sleep(0)
        await ctx.run_mutation("notes:add", text="afterwards")
        gate("afterwards").set()

    return Response("at once", background=BackgroundTask(work))


@http.route(path="/leaves", method="POST")
async def leaves(ctx: ActionCtx, request: Request):
    """Waits until the client has gone, and goes on to its end."""
    gate("leaves waits").set()
    while not await request.is_disconnected():
        await asyncio.sleep(0.005)
    events.append(f"still {len(await request.body())} bytes" if "body" in request.query_params else "left")
    await ctx.run_mutation("notes:add", text="went on")
    gate("left").set()
    return "nobody reads this"
