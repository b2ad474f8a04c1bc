"""What the school answers to plain HTTP: signing in, the payment provider's webhook, and a reviewer of its own."""

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import time
from typing import Any, TypeGuard

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from functions import login, orders
from functions._generated.data_model import User
from functions._generated.server import ActionCtx
from functions.essays import MAX_CHARACTERS
from functions.login_key import token_for
from reactor import ConvexError, Rate, http_action, http_router

http = http_router()

COOKIE = "school_session"

_STALE_SECONDS = 300

SIGNING_IN = Rate(20, per="minute", key="address")
"""From one address; how many codes it may ask for for one person is held down in functions/login.py."""


# Signing in. The page and these routes have the same origin, below /http of the main port, so nothing is said about
# other origins, and the cookie goes nowhere else.


@http.route(path="/login/code", method="POST")
@http_action(rate=SIGNING_IN)
async def request_code(ctx: ActionCtx, request: Request):
    """Send a code to an address: {"email": …}."""
    fields = await _fields(request)
    code, email = login.new_code(), str(fields.get("email", ""))
    try:
        await ctx.run_mutation(login.send_code, email=email, code=code, caller=await _caller(ctx))
    except ConvexError as error:
        return JSONResponse(error.data, 400)
    # For trying the school out, and for tests: the answer has what otherwise only the mail has.
    shown = {"code": code} if os.environ.get("SCHOOL_LOGIN") == "demo" else {}
    return JSONResponse({"sent": True, **shown})


@http.route(path="/login/token", method="POST")
@http_action(rate=SIGNING_IN)
async def sign_in(ctx: ActionCtx, request: Request):
    """A token for whoever has the code: {"email": …, "code": …}. The cookie keeps the browser signed in."""
    fields = await _fields(request)
    secret = secrets.token_urlsafe(32)
    email, code = str(fields.get("email", "")), str(fields.get("code", ""))
    try:
        user = await ctx.run_mutation(login.sign_in, email=email, code=code, secret=secret)
    except ConvexError as error:
        return JSONResponse(error.data, 400)
    if user is None:
        return JSONResponse({"code": "WRONG_CODE"}, 401)
    answer, secure = _token(user), request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, 30 * 86_400, httponly=True, samesite="strict", secure=secure, path="/http/login")
    return answer


@http.route(path="/login/refresh", method="POST")
async def refresh(ctx: ActionCtx, request: Request):
    """Another token for a browser that is signed in."""
    user = await ctx.run_mutation(login.renew, secret=request.cookies.get(COOKIE, ""))
    return JSONResponse({"code": "NOT_SIGNED_IN"}, 401) if user is None else _token(user)


@http.route(path="/login/out", method="POST")
async def sign_out(ctx: ActionCtx, request: Request):
    """Sign the browser out."""
    await ctx.run_mutation(login.sign_out, secret=request.cookies.get(COOKIE, ""))
    answer = JSONResponse({"signedOut": True})
    answer.delete_cookie(COOKIE, path="/http/login")
    return answer


# Payments


@http.route(path="/webhooks/payments", method="POST")
async def payment(ctx: ActionCtx, request: Request):
    """What the payment provider tells: {"id": …, "orderId": …, "amount": …, "outcome": "succeeded"}, signed.

    `X-Signature: t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of "SECONDS.BODY" under PAYMENT_WEBHOOK_SECRET. A
    message that comes twice changes nothing the second time; one that is old is refused, so that nobody can replay it.
    """
    secret = ctx.env.get("PAYMENT_WEBHOOK_SECRET")
    if not secret:
        return PlainTextResponse("PAYMENT_WEBHOOK_SECRET is not set: see `reactor env`", 503)
    body = await request.body()
    if not _signed(secret, request.headers.get("x-signature", ""), body):
        return PlainTextResponse("wrong signature", 401)
    fields = await _fields(request)
    if not all(isinstance(fields.get(name), str) for name in ("id", "orderId", "outcome")):
        return PlainTextResponse("a message has id, orderId, amount and outcome", 400)
    try:
        new = await ctx.run_mutation(
            orders.payment_received,
            # As it came: what it is has to be seen when it is called.
            {
                "orderId": fields.get("orderId"),
                "providerId": fields.get("id"),
                "amount": fields.get("amount"),
                "outcome": fields.get("outcome"),
            },
        )
    except ConvexError as error:
        return JSONResponse(error.data, 404)
    return JSONResponse({"new": new})


# The reviewer that ships: it measures, and knows nothing of essays. functions/essay_requests_actions.py asks it when no
# other service is named.


@http.route(path="/review", method="POST")
async def review(ctx: ActionCtx, request: Request):
    """A review of {"title": …, "text": …}: scores from 0 to 10, and a sentence."""
    fields = await _fields(request)
    text = str(fields.get("text", ""))[:MAX_CHARACTERS]
    words, paragraphs = text.split(), [part for part in text.split("\n\n") if part.strip()]
    sentences = [part for part in re.split(r"[.!?]+", text) if part.strip()]
    length = len(words) / max(len(sentences), 1)
    scores = {
        "structure": _score(10 - abs(len(paragraphs) - 5)),
        "argument": _score(4 + sum(text.lower().count(word) for word in ("because", "but", "therefore", "however"))),
        "style": _score(10 - abs(length - 16) / 3),
        "grammar": _score(10 * len({word.lower() for word in words}) / max(len(words), 1) + 3),
    }
    weakest = min(scores, key=lambda name: scores[name])
    feedback = f"{len(words)} words in {len(paragraphs)} paragraphs. Work on its {weakest} next."
    return JSONResponse({"reviewer": "The machine", "feedback": feedback, "scores": scores})


def _score(value: float) -> float:
    return round(min(10.0, max(1.0, value)), 1)


async def _caller(ctx: ActionCtx) -> str:
    """Who asks: an IPv4 address, or the network of an IPv6 address, since who has one of these has 2^64."""
    host = (await ctx.meta.get_request_metadata())["ip"] or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def _token(user: User) -> Response:
    token = token_for(user["_id"], user["name"], user["email"])
    return JSONResponse({"token": token, "name": user["name"]}, headers={"Cache-Control": "no-store"})


def _signed(secret: str, header: str, body: bytes) -> bool:
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    at, given = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdigit()) or len(at) > 12 or abs(time.time() - int(at)) > _STALE_SECONDS:
        return False
    expected = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode())


async def _fields(request: Request) -> dict[str, Any]:
    """The body, which should be a JSON object; an empty one for anything else."""
    try:
        fields = await request.json()
    except (ValueError, RecursionError):
        return {}
    return fields if _is_object(fields) else {}


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
