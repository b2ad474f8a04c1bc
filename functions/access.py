"""Who may do what: users see their own, teachers and admins see all.

The dashboards are opened by a key instead of by an identity. A query that looks at who calls runs once for each user;
one that is given a key runs once for everybody who has the same key, so a hundred open dashboards cost as much as one.
Staff get the key by `dashboard.get_access`, and a new one shuts out everybody who has the old one, at once.
"""

import hmac
from typing import TypedDict, TypeVar

from functions._generated.data_model import User, UserId
from functions._generated.server import MutationCtx, QueryCtx
from reactor import ConvexError, DocumentId

__all__ = ["Reading", "check_key", "own", "staff_of", "user_of"]

Reading = QueryCtx | MutationCtx


class Owned(TypedDict):
    """What documents have in common that belong to a user."""

    userId: UserId


D = TypeVar("D", bound=Owned)


async def user_of(ctx: Reading) -> User:
    """The user who calls. Raises ConvexError for whoever is not signed in, or has no account here."""
    identity = await ctx.auth.get_user_identity()
    if identity is None:
        raise ConvexError({"code": "NOT_SIGNED_IN"})
    token = identity["tokenIdentifier"]
    user = await ctx.db.query("users").with_index("by_token", lambda q: q.eq("tokenIdentifier", token)).unique()
    if user is None:
        raise ConvexError({"code": "NO_ACCOUNT"})
    return user


async def staff_of(ctx: Reading) -> User:
    """The teacher or admin who calls. Raises ConvexError for others."""
    user = await user_of(ctx)
    if user["role"] == "student":
        raise ConvexError({"code": "FORBIDDEN"})
    return user


async def own(ctx: Reading, table: str, id: DocumentId[D]) -> D:
    """A document with a `userId` that whoever calls may see. What somebody may not see is as if it were not there."""
    user = await user_of(ctx)
    document = await ctx.db.get(id)
    if document is None or (document["userId"] != user["_id"] and user["role"] == "student"):
        raise ConvexError({"code": "NOT_FOUND", "table": table, "id": id})
    return document


async def check_key(ctx: QueryCtx, key: str) -> None:
    """Raises ConvexError unless this is the key of the dashboards."""
    access = await ctx.db.query("dashboardAccess").first()
    if access is None or not hmac.compare_digest(access["key"].encode(), key.encode()):
        raise ConvexError({"code": "FORBIDDEN"})
