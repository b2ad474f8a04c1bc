"""Bringing what is copied already to a newer moment, by what the log tells of the commits since."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from reactor.store.batch import decode_entry
from reactor.store.copying.comparing import differing_documents, differing_entries
from reactor.store.copying.ends import LAST_KEY, Change, Entry, Progress, Reader
from reactor.store.copying.tables import DOCUMENTS, LOG, Row

__all__ = ["compare", "follow"]

Write = Callable[[Change], Awaitable[None]]


async def follow(moment: Reader, progress: Progress, write: Write) -> int:
    """Write what the commits after `progress.ts` have changed of what is there, as it is at a moment.

    Says how many commits these were. Every row is written as the moment has it, so doing this twice does no harm.
    """
    commits, after = 0, progress.ts
    while rows := await moment.page(LOG, after, LOG.last):
        await write(await _touched(moment, rows, progress))
        commits, after = commits + len(rows), rows[-1][0]
    return commits


async def compare(source: Reader, target: Reader, progress: Progress, write: Write) -> None:
    """The same where the log does not reach back so far: all that is there is compared."""
    upto = DOCUMENTS.last if progress.documents is None else progress.documents
    async with aclosing(differing_documents(source, target, str(upto))) as changes:
        async for change in changes:
            await write(change)
    for index in [*progress.indexes, progress.index]:
        upto_key = progress.key if index == progress.index else LAST_KEY
        async with aclosing(differing_entries(source, target, index, upto_key)) as changes:
            async for change in changes:
                await write(change)


async def _touched(moment: Reader, rows: Sequence[Row], progress: Progress) -> Change:
    """What some commits have touched of what is there, as it is at the moment."""
    ids: set[str] = set()
    touched: set[Entry] = set()
    for row in rows:
        for each in decode_entry(*row).writes:
            if progress.has_document(each.id):
                ids.add(each.id)
            keys = ((point.index, key) for point in each.points for key in (point.old, point.new) if key is not None)
            touched.update(entry for entry in keys if progress.has_entry(*entry))
    documents = await moment.documents(sorted(ids))
    present = await moment.present(sorted(touched))
    return Change(
        documents=documents,
        gone=sorted(ids - {row[0] for row in documents}),
        entries=sorted(present),
        gone_entries=sorted(touched - present),
    )
