"""A tour in four functions: copy one and change it.

With `reactor dev` running in another terminal:

    reactor run my_functions:list_numbers '{"count": 10}' --watch      # stays and prints each new result
    reactor run my_functions:add_number '{"value": 7}'
"""

import secrets

from functions._generated.data_model import NumberId
from functions._generated.server import ActionCtx, MutationCtx, QueryCtx, action, internal_query, mutation, query
from reactor import ConvexError


# A query reads. Whoever subscribes to it gets a new result as soon as something it read has changed.
# The type hints are checked at run time: a call with count="ten" is refused before the function runs.
@query
async def list_numbers(ctx: QueryCtx, count: int = 10) -> list[float]:
    """The newest `count` numbers, oldest of them first."""
    newest = await ctx.db.query("numbers").order("desc").take(count)
    return [number["value"] for number in reversed(newest)]


# A mutation reads and writes, as one transaction: all of it happens or nothing.
@mutation
async def add_number(ctx: MutationCtx, value: float) -> NumberId:
    """Store a number and give the new document's id."""
    if value < 0:
        # The data of a ConvexError reaches the client, in production too; other exceptions stay on the server.
        raise ConvexError({"code": "NEGATIVE", "value": value})
    print("adding", value)  # seen in the terminal of `reactor dev` and in the console of the calling client
    return await ctx.db.insert("numbers", {"value": value})


# An internal function can be called by other functions, never by a client.
@internal_query
async def total(ctx: QueryCtx) -> float:
    """The sum of all numbers."""
    result = 0.0
    async for number in ctx.db.query("numbers"):
        result += number["value"]
    return result


# An action may do anything: call other services, wait, use random. It has no `ctx.db`, it runs queries and mutations.
@action
async def add_random_number(ctx: ActionCtx, below: int = 100) -> float:
    """Add a random number and give the sum of all."""
    await ctx.run_mutation(add_number, value=secrets.randbelow(below))
    return await ctx.run_query(total)
