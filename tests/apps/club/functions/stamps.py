"""Documents and results that hold the time of their commit."""

from typing import Any

from reactor import (
    ActionCtx,
    CommitTs,
    ConvexError,
    MutationCtx,
    QueryCtx,
    action,
    internal_mutation,
    internal_query,
    mutation,
    query,
    v,
)

_kept: list[CommitTs] = []


@mutation
async def mark(ctx: MutationCtx) -> CommitTs:
    """Write the time of the commit, and give it."""
    await ctx.db.insert("stamps", {"at": ctx.db.vars.commit_ts})
    return ctx.db.vars.commit_ts


@mutation(returns=v.object({"times": v.array(v.commit_ts()), "seen": v.any()}))
async def nested(ctx: MutationCtx):
    """Pass it on, get it back, and read it where it was written."""
    now = ctx.db.vars.commit_ts
    given = await ctx.run_mutation(keep, at=now)
    found = await ctx.run_query(newest)
    assert given is now
    assert found is not None
    assert found["at"] is now
    return {"times": [given, now], "seen": found}


@internal_mutation
async def keep(ctx: MutationCtx, at: CommitTs) -> CommitTs:
    await ctx.db.insert("stamps", {"at": at})
    return at


@internal_query
async def newest(ctx: QueryCtx):
    return await ctx.db.query("stamps").order("desc").first()


@mutation
async def take(ctx: MutationCtx, at: CommitTs):
    """What a client sends is a number like any other."""
    return at


@mutation
async def only_tell(ctx: MutationCtx) -> CommitTs:
    """Give the time without writing anything."""
    _kept.append(ctx.db.vars.commit_ts)
    return ctx.db.vars.commit_ts


@mutation
async def throw(ctx: MutationCtx):
    raise ConvexError({"at": ctx.db.vars.commit_ts})


@query
async def times(ctx: QueryCtx):
    """The times, in the order of creation."""
    return [stamp["at"] async for stamp in ctx.db.query("stamps")]


@query
async def smuggle(ctx: QueryCtx):
    """Give back what a mutation left lying about."""
    return _kept[0]


@action
async def through_action(ctx: ActionCtx) -> list[Any]:
    """What an action gets of a mutation is the time itself; the placeholder is nothing it could send."""
    given = await ctx.run_mutation(mark)
    try:
        await ctx.run_mutation(take, at=_kept[0])
    except Exception as error:
        return [given, type(given).__name__, str(error)]
    return [given]
