"""Who uses the school: who I am, look up, rename, and for admins, roles."""

from functions._generated.data_model import User, UserId, UserRole
from functions._generated.server import MutationCtx, QueryCtx, internal_mutation, mutation, query
from functions.access import staff_of, user_of
from reactor import ConvexError


@query
async def me(ctx: QueryCtx) -> User | None:
    """The user who is signed in, or None."""
    if await ctx.auth.get_user_identity() is None:
        return None
    return await user_of(ctx)


# Internal: accounts come from signing in, see functions/login.py.
@internal_mutation
async def create(
    ctx: MutationCtx,
    name: str,
    email: str,
    role: UserRole = "student",
) -> UserId:
    """Add a user and give their id; the same email twice is refused."""
    address = email.strip().lower()
    # Nobody can come between this look and the insert: mutations run one after another. The index is unique all the
    # same, so that whoever forgets to look gets an error and no second account.
    if await with_email(ctx, address) is not None:
        raise ConvexError({"code": "EMAIL_TAKEN", "email": address})
    user = await ctx.db.insert("users", {"name": name, "email": address, "role": role})
    # Who was a customer before is the same person: the address was proven by a code.
    customer = await ctx.db.query("customers").with_index("by_email", lambda q: q.eq("email", address)).unique()
    if customer is not None:
        await ctx.db.patch(customer["_id"], {"userId": user})
    return user


@query
async def get(ctx: QueryCtx, user_id: UserId) -> User | None:
    """One user, for staff and for that user; None when there is none with this id."""
    caller = await user_of(ctx)
    return caller if caller["_id"] == user_id else await _for_staff(ctx, user_id)


@mutation
async def rename(ctx: MutationCtx, name: str) -> None:
    """Change the name of the user who calls; the other fields stay as they are."""
    if not name.strip():
        raise ConvexError({"code": "EMPTY_NAME"})
    user = await user_of(ctx)
    await ctx.db.patch(user["_id"], {"name": name.strip()})


@mutation
async def set_role(ctx: MutationCtx, user_id: UserId, role: UserRole) -> None:
    """Give somebody another role; only admins may."""
    caller = await user_of(ctx)
    if caller["role"] != "admin":
        raise ConvexError({"code": "FORBIDDEN"})
    if await ctx.db.get(user_id) is None:
        raise ConvexError({"code": "NO_SUCH_USER", "userId": user_id})
    await ctx.db.patch(user_id, {"role": role})


async def with_email(ctx: QueryCtx | MutationCtx, address: str) -> User | None:
    """The user with this address, in lower case, or None."""
    return await ctx.db.query("users").with_index("by_email", lambda q: q.eq("email", address)).unique()


async def _for_staff(ctx: QueryCtx, user_id: UserId) -> User | None:
    await staff_of(ctx)
    return await ctx.db.get(user_id)
