"""Migrations whose effect shows whether a document was visited twice, or not at all."""

from typing import Any

from reactor import UNSET, MutationCtx, migration

BAD: set[float] = set()
"""Numbers of people at which `picky` fails; tests set it."""


@migration(table="people")
async def visit(ctx: MutationCtx, person: dict[str, Any]) -> dict[str, Any]:
    return {"visits": person.get("visits", 0) + 1}


@migration(table="people", batch_size=10)
async def picky(ctx: MutationCtx, person: dict[str, Any]) -> dict[str, Any] | None:
    if person["n"] in BAD:
        raise ValueError(f"person {person['n']} will not do")
    return None if "name" in person else {"name": f"person {person['n']:g}"}


@migration(table="people")
def twins(ctx: MutationCtx, person: dict[str, Any]) -> dict[str, Any]:
    """Not a coroutine function."""
    return {"pad": [person["n"]] * 2}


@migration(table="people", index="by_visits", range=lambda q: q.eq("visits", UNSET))
async def first_visit(ctx: MutationCtx, person: dict[str, Any]) -> dict[str, Any]:
    return {"visits": 100}


@migration(table="notes")
async def split(ctx: MutationCtx, note: dict[str, Any]) -> None:
    """Writes by itself, into its own table."""
    await ctx.db.insert("notes", {"text": note["text"] + " (copy)"})


@migration(table="notes")
async def clear(ctx: MutationCtx, note: dict[str, Any]) -> None:
    await ctx.db.delete(note["_id"])


@migration(table="notes")
async def wrong(ctx: MutationCtx, note: dict[str, Any]) -> Any:
    return note["text"]


@migration(table="notes")
async def careless(ctx: MutationCtx, note: dict[str, Any]) -> None:
    ctx.db.patch(note["_id"], {"text": "lost"})  # pyright: ignore[reportUnusedCoroutine] - that is the mistake


@migration(table="nowhere")
async def lost(ctx: MutationCtx, document: dict[str, Any]) -> None: ...
