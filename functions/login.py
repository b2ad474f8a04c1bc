"""Signing in without a password: a code by mail, then a token for an hour, renewed as long as the browser stays.

What is stored are hashes: whoever reads the database cannot sign in with what stands there.

Nobody can keep somebody else from signing in. Each code that was sent is good by itself, whatever codes others ask for
and try, and how many there may be is counted by who asks. So codes have 50 bits, and trying them is of no use.
"""

import hashlib
import secrets

from functions._generated.data_model import LoginSession, LoginSessionFields, User
from functions._generated.server import MutationCtx, internal_mutation
from functions.login_key import ISSUER
from functions.users import create, with_email
from reactor import ConvexError

_CODE_LIFE = 10 * 60_000
_SESSION_LIFE = 30 * 86_400_000
_CODES_AN_HOUR = 5
_AT_ONCE = 100

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of letters that look like digits there are none; who types one means the digit."""

_MEANT = str.maketrans("OIL", "011", "- ")


def new_code() -> str:
    """Ten letters at random, to be read and typed: "7K3M9-QXD42"."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


@internal_mutation
async def send_code(ctx: MutationCtx, email: str, code: str, caller: str = "") -> None:
    """Keep a code that was made for somebody, and let it be sent. `caller` is the network address of who asks for it.

    Raises ConvexError when that one has asked too often. Others, who are not held down by it, may be the one it is for.
    """
    address = _address(email)
    asked = ctx.db.query("loginCodes").with_index("by_caller", lambda q: q.eq("email", address).eq("caller", caller))
    codes = await asked.collect()
    recent = [each for each in codes if each["_creationTime"] > ctx.now - 3_600_000]
    if len(recent) >= _CODES_AN_HOUR:
        raise ConvexError({"code": "TOO_MANY_CODES"})
    for old in codes[: len(codes) - len(recent)]:
        await ctx.db.delete(old["_id"])
    await ctx.db.insert(
        "loginCodes",
        {"email": address, "codeHash": _code_hash(code), "expiresAt": ctx.now + _CODE_LIFE, "caller": caller},
    )
    # A school that is more than an example sends a mail here, by an action that this schedules.
    print(f"login code for {address}: {code}")


@internal_mutation
async def sign_in(ctx: MutationCtx, email: str, code: str, secret: str) -> User | None:
    """The user who has this code, who then stays signed in by `secret`; None when it is wrong or too old.

    The first one to sign in as somebody unknown gets an account. The first account of a school is an admin's.
    """
    address = _address(email)
    hashed = _code_hash(code)
    by_code = ctx.db.query("loginCodes").with_index("by_code", lambda q: q.eq("email", address).eq("codeHash", hashed))
    found = await by_code.first()
    if found is None or found["expiresAt"] < ctx.now:
        return None
    await ctx.db.delete(found["_id"])
    # Others may have asked for thousands: those end by themselves, and functions/upkeep.py deletes them.
    others = ctx.db.query("loginCodes").with_index("by_code", lambda q: q.eq("email", address))
    for each in await others.take(_AT_ONCE):
        await ctx.db.delete(each["_id"])
    user = await _account(ctx, address)
    session: LoginSessionFields = {
        "userId": user["_id"],
        "secretHash": _hash(secret),
        "expiresAt": ctx.now + _SESSION_LIFE,
    }
    await ctx.db.insert("loginSessions", session)
    return user


@internal_mutation
async def renew(ctx: MutationCtx, secret: str) -> User | None:
    """The user who stayed signed in by this, or None."""
    session = await _session(ctx, secret)
    if session is None or session["expiresAt"] < ctx.now:
        return None
    return await ctx.db.get(session["userId"])


@internal_mutation
async def sign_out(ctx: MutationCtx, secret: str) -> None:
    """From now on this keeps nobody signed in."""
    session = await _session(ctx, secret)
    if session is not None:
        await ctx.db.delete(session["_id"])


async def _session(ctx: MutationCtx, secret: str) -> LoginSession | None:
    sessions = ctx.db.query("loginSessions").with_index("by_secret", lambda q: q.eq("secretHash", _hash(secret)))
    return await sessions.first()


async def _account(ctx: MutationCtx, address: str) -> User:
    user = await with_email(ctx, address)
    if user is None:
        nobody = await ctx.db.query("users").first() is None
        id = await create(ctx, address.split("@")[0].title(), address, "admin" if nobody else "student")
        user = await ctx.db.get(id)
        assert user is not None
    if "tokenIdentifier" not in user:
        await ctx.db.patch(user["_id"], {"tokenIdentifier": f"{ISSUER}|{user['_id']}"})
    return user


def _address(email: str) -> str:
    address = email.strip().lower()
    if "@" not in address or len(address) > 200:
        raise ConvexError({"code": "NO_EMAIL"})
    return address


def _code_hash(code: str) -> str:
    return _hash(code.upper().translate(_MEANT))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
