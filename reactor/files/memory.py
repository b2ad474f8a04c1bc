"""Files in memory, for tests of applications."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from reactor.files.seam import LARGEST_PIECE, Measure, OpenFile, Pieces, Stored

__all__ = ["MemoryFiles"]


class MemoryFiles:
    """Keeps files for as long as this object lives, also when it is closed and opened again."""

    reached_by_all = False

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self.key = secrets.token_bytes(32)

    async def open(self) -> None:
        return None

    async def close(self) -> None:
        return None

    async def put(self, name: str, pieces: Pieces, accept: Callable[[Stored], None]) -> Stored:
        content, measure = bytearray(), Measure()
        async for piece in pieces:
            content += piece
            measure.update(piece)
        stored = measure.stored()
        accept(stored)
        self._files[name] = bytes(content)
        return stored

    async def read(self, name: str) -> OpenFile | None:
        content = self._files.get(name)
        return None if content is None else _MemoryFile(content)

    async def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._files.pop(name, None)

    async def missing(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name not in self._files]

    async def names(self) -> AsyncIterator[list[str]]:
        if self._files:
            yield list(self._files)


class _MemoryFile:
    """See `OpenFile`."""

    def __init__(self, content: bytes) -> None:
        self._content, self.size = content, len(content)

    async def pieces(self, start: int, length: int) -> Pieces:
        for at in range(start, start + length, LARGEST_PIECE):
            yield self._content[at : min(at + LARGEST_PIECE, start + length)]

    def close(self) -> None:
        return None
