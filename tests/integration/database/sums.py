"""Documents with numbers, and their totals by counting again."""

import random
from fractions import Fraction
from typing import Any

from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.schema import Schema, define_table
from reactor.values import UNSET, encode_value, v
from tests.integration.database.traffic import words


def summed(*, staged: bool = False) -> Schema:
    table = define_table(v.any()).aggregate("by_day", ["team", "day"], sum="amount", staged=staged)
    return words(table.aggregate("all", staged=staged))


def some(rng: random.Random) -> dict[str, Any]:
    amounts = [0.1, 0.2, 0.7, -3, 1e16, 12.5, None, "x", rng.random() * 100]
    row = {"team": rng.choice("ab"), "day": rng.randint(0, 6), "amount": rng.choice(amounts)}
    if rng.random() < 0.1:
        del row[rng.choice(list(row))]
    return row


def counted_again(rows: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = [row["amount"] for row in rows if isinstance(row.get("amount"), int | float)]
    exact = sum((Fraction(number) for number in numbers), Fraction(0))
    return {
        "count": len(rows),
        "sum": float(exact),
        "min": min(numbers, default=None),
        "max": max(numbers, default=None),
        "mean": float(exact / len(numbers)) if numbers else None,
    }


async def check(db: DatabaseReader, rng: random.Random) -> None:
    """Some ranges have the totals that counting again gives."""
    rows = await db.query("words").collect()
    assert await db.aggregate("words", "by_day") == counted_again(rows)
    assert (await db.aggregate("words", "all"))["count"] == len(rows)
    for _ in range(3):
        low, high = sorted((rng.randint(0, 6), rng.randint(0, 7)))
        totals = await db.aggregate("words", "by_day", lambda q: q.eq("team", "a").gte("day", low).lt("day", high))
        assert totals == counted_again([
            row for row in rows if row.get("team") == "a" and low <= row.get("day", -1) < high
        ])  # fmt: skip
    await check_groups(db, rows)


async def check_groups(db: DatabaseReader, rows: list[dict[str, Any]]) -> None:
    of_b = [row for row in rows if row.get("team") == "b"]
    days = sorted({encode_value(row.get("day", UNSET)) for row in of_b})
    expected: list[dict[str, Any]] = []
    for day in days:
        same = [row for row in of_b if encode_value(row.get("day", UNSET)) == day]
        expected.append({**({"value": same[0]["day"]} if "day" in same[0] else {}), **counted_again(same)})
    grouped = await db.aggregate_groups("words", "by_day", lambda q: q.eq("team", "b"))
    assert grouped == expected
    assert await db.aggregate_groups("words", "by_day", lambda q: q.eq("team", "b"), order="desc") == expected[::-1]
    two = await db.aggregate_groups("words", "by_day", lambda q: q.eq("team", "b"), limit=2)
    assert two == expected[:2]


async def change(db: DatabaseWriter, rng: random.Random) -> None:
    """Random writes, some of which are taken back; totals are right after each."""
    for _ in range(rng.randint(1, 4)):
        documents = await db.query("words").collect()
        id = rng.choice(documents)["_id"] if documents else ""
        nested = rng.random() < 0.3
        if nested:
            db._tx.push()
        match rng.choice(["insert", "insert", "patch", "replace", "delete"]) if id else "insert":
            case "insert":
                await db.insert("words", some(rng))
            case "patch":
                await db.patch(id, {"amount": rng.choice([0.1, 5, UNSET])})
            case "replace":
                await db.replace(id, some(rng))
            case _:
                await db.delete(id)
        if nested:
            db._tx.pop(keep=rng.random() < 0.5)
        await check(db, rng)
