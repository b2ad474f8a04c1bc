"""Money that moves between branches and never comes or goes."""

from reactor import MutationCtx, QueryCtx, mutation, query

BRANCHES = ("north", "south")


@mutation
async def open(ctx: MutationCtx, bank: str, accounts: int = 4, balance: int = 100) -> int:
    """Open `accounts` accounts in each branch; gives the sum that stays constant from now on."""
    for branch in BRANCHES:
        for _ in range(accounts):
            await ctx.db.insert("accounts", {"bank": bank, "branch": branch, "balance": balance})
    return accounts * balance * len(BRANCHES)


@query
async def branch_total(ctx: QueryCtx, bank: str, branch: str):
    """The sum of one branch."""
    return sum([account["balance"] async for account in _accounts(ctx, bank, branch)])


@mutation
async def transfer(ctx: MutationCtx, bank: str) -> None:
    """Move a random amount from a random account to one in the other branch."""
    source, target = ctx.random.sample(BRANCHES, 2)
    giver = ctx.random.choice(await _accounts(ctx, bank, source).collect())
    taker = ctx.random.choice(await _accounts(ctx, bank, target).collect())
    amount = ctx.random.randint(1, 50)
    await ctx.db.patch(giver["_id"], {"balance": giver["balance"] - amount})
    await ctx.db.patch(taker["_id"], {"balance": taker["balance"] + amount})


def _accounts(ctx: QueryCtx | MutationCtx, bank: str, branch: str):
    return ctx.db.query("accounts").with_index("by_bank_and_branch", lambda q: q.eq("bank", bank).eq("branch", branch))
