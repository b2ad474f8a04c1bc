"""The documents as data: their blocks of code, headings and links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.server import REPOSITORY

__all__ = ["PAGES", "Block", "Command", "anchors", "blocks", "commands", "files", "links", "matches", "prose"]

PAGES = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(?P<language>\w*) *(?P<mark>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:#|//) (?P<path>[\w/.]+\.\w+)(?P<continued>, continued)?\n")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block: its language, the word behind it, its text, and where it stands (`README.md:12`)."""

    language: str
    mark: str
    text: str
    place: str

    @property
    def file(self) -> str:
        """The file that the first line names, "" when it names none."""
        found = _FILE.match(self.text)
        return found["path"] if found else ""

    @property
    def continued(self) -> bool:
        """Whether the block goes on with a file that an earlier one began."""
        found = _FILE.match(self.text)
        return found is not None and found["continued"] is not None


class Command(NamedTuple):
    """A line typed into a shell, and what it prints."""

    line: str
    output: str
    place: str


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text()
    name = page.relative_to(REPOSITORY).as_posix()
    return [
        Block(found["language"], found["mark"], found["text"], f"{name}:{text.count(chr(10), 0, found.start()) + 1}")
        for found in _FENCE.finditer(text)
    ]


def files(page: Path) -> dict[str, str]:
    """The files that the Python modules and the TOML on a page make, by path."""
    made: dict[str, str] = {}
    for block in blocks(page):
        if block.language not in ("python", "toml") or block.mark or not block.file:
            continue
        text = block.text
        if block.continued:
            text = made[block.file] + "\n\n" + text.partition("\n")[2]
        made[block.file] = text
    return made


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.replace("\\\n", "\\\r").partition("\n")
        yield Command(line.replace("\\\r", "\\\n"), output.replace("\\\r", "\\\n"), block.place)


def matches(expected: str, printed: str, *, whole: bool = True) -> bool:
    """Whether a program printed what a page shows: `…` stands for anything, and spaces do not count."""
    parts = [re.escape(re.sub(r"\s", "", part)) for part in expected.split("…")]
    found = re.match(".*?".join(parts), re.sub(r"\s", "", printed), re.DOTALL)
    return found is not None and (not whole or re.fullmatch(".*?".join(parts), re.sub(r"\s", "", printed)) is not None)


def prose(page: Path) -> str:
    """A page without its blocks."""
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """What may stand behind `#` in a link to the page, as GitHub makes it of headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(page))}


def links(page: Path) -> list[tuple[Path, str]]:
    """The page's links within the repository: file and anchor ("" for none)."""
    targets = [target.partition("#") for target in _LINK.findall(prose(page)) if "://" not in target]
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in targets]
