"""A deployment's data copied to another place: the database, and what is beside it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from reactor.app.data_folder import check_keys, copy_folder
from reactor.errors import SettingsError, StoreError
from reactor.store.copying.copier import Copier
from reactor.store.copying.opening import source_at, target_at
from reactor.store.copying.places import Place
from reactor.store.copying.watch import Watch
from reactor.store.lock import FolderLock

__all__ = ["copy"]

_PAUSE_SECONDS = 0.25


def copy(
    source: Place,
    target: Place,
    *,
    folders: tuple[Path, Path] | None,
    wait: bool,
    checked: bool,
    again: bool,
    watch: Watch,
) -> dict[str, int] | None:
    """Copy a database, and with `folders` what is in the data folder beside it, from the first of them to the second.

    While a server has the source it is followed; with `wait` until that is stopped, else until the copy is near, and
    then None is given. With `checked` both sides are compared at the end. Gives how many rows each part has, by name.
    Raises StoreError and SettingsError.
    """
    return asyncio.run(_copy(source, target, folders, wait=wait, checked=checked, again=again, watch=watch))


async def _copy(
    source: Place,
    target: Place,
    folders: tuple[Path, Path] | None,
    *,
    wait: bool,
    checked: bool,
    again: bool,
    watch: Watch,
) -> dict[str, int] | None:
    if source == target:
        raise SettingsError("--from and --to are the same place: name another one to copy to.")
    async with AsyncExitStack() as stack:
        theirs, ours = source_at(source), target_at(target)
        for end in (theirs, ours):
            stack.push_async_callback(end.close)
        await theirs.open()
        if folders is not None:
            check_keys(*folders)
        progress = await ours.open(theirs.place, again=again)
        if folders is not None and target.folder is None:
            stack.callback(_locked(folders[1]).release)
        copier = Copier(theirs, ours, progress, watch, pause=_pause)
        await _copy_files(folders, watch)
        counts = await copier.run(wait=wait, checked=checked)
        if counts is not None:
            await _copy_files(folders, watch)  # those that came meanwhile; from now on none comes
            await copier.complete()
        return counts


def _locked(folder: Path) -> FolderLock:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {folder}: {error}; choose another one") from error
    lock = FolderLock(folder)
    lock.acquire()
    return lock


async def _copy_files(folders: tuple[Path, Path] | None, watch: Watch) -> None:
    if folders is not None:
        watch.stage("files", None)
        await asyncio.to_thread(copy_folder, *folders, watch.did)


async def _pause() -> None:
    await asyncio.sleep(_PAUSE_SECONDS)
