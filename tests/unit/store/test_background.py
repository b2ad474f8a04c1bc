"""Tasks that belong to a PostgreSQL store."""

import asyncio

from reactor.store.postgres.connections import Background


async def test_what_has_just_ended_does_not_keep_closing():
    background = Background()
    first = background.begin(asyncio.sleep(0))
    while not first.done():
        await asyncio.sleep(0)
    await background.close()
    assert not first.cancelled()


async def test_what_is_under_way_is_broken_off():
    background = Background()
    for_good = background.begin(asyncio.Event().wait())
    await asyncio.sleep(0)
    await background.close()
    assert for_good.cancelled()
