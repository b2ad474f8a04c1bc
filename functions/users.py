"""Who uses the school: sign up, look up, rename."""

from typing import Literal

from reactor import ConvexError, Id, MutationCtx, QueryCtx, mutation, query


@mutation
async def create(
    ctx: MutationCtx,
    name: str,
    email: str,
    role: Literal["student", "teacher"] = "student",
) -> Id["users"]:
    """Add a user and give their id; the same email twice is refused."""
    address = email.strip().lower()
    if await _with_email(ctx, address):
        raise ConvexError({"code": "EMAIL_TAKEN", "email": address})
    return await ctx.db.insert("users", {"name": name, "email": address, "role": role})


@query
async def get(ctx: QueryCtx, user_id: Id["users"]):
    """One user, or None when there is none with this id."""
    return await ctx.db.get(user_id)


@query
async def by_email(ctx: QueryCtx, email: str):
    """The user with this email, or None."""
    return await _with_email(ctx, email.strip().lower())


@mutation
async def rename(ctx: MutationCtx, user_id: Id["users"], name: str) -> None:
    """Change a user's name; the other fields stay as they are."""
    if await ctx.db.get(user_id) is None:
        raise ConvexError({"code": "NO_SUCH_USER", "userId": user_id})
    await ctx.db.patch(user_id, {"name": name})


async def _with_email(ctx: QueryCtx | MutationCtx, address: str):
    # `unique` raises if two users shared an address: `create` cannot let that happen, because mutations are
    # serializable, so its look-up and its insert are one step.
    return await ctx.db.query("users").with_index("by_email", lambda q: q.eq("email", address)).unique()
