"""What `reactor init` makes a project of: files that come with Reactor, and the names that are put into them."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from reactor.errors import ReactorError
from reactor.version import VERSION

__all__ = ["Template", "project_name"]

_SUFFIX = ".template"
"""Nothing that looks through this repository or an installed Reactor shall take them for its own."""

_SHOWN = 10


class Template(NamedTuple):
    """The files of a project, by their paths in it."""

    files: dict[str, str]

    @classmethod
    def read(cls, kind: str, name: str) -> "Template":
        """The template `kind` (`minimal` or `react`) for a project that is called `name`."""
        root = files("reactor.cli") / "templates"
        # What is common to all comes first, so that a template may have another file of the same name.
        found = {**_texts(root / "common"), **_texts(root / kind)}
        words = {"@name@": name, "@package@": _package(name), "@version@": VERSION}
        return cls({path: _filled(text, words) for path, text in sorted(found.items())})

    def write(self, folder: Path) -> None:
        """Make the project in `folder`, which is made if need be.

        Raises ReactorError when a file is in the way, and then nothing was written, or when it cannot write.
        """
        blocking = self._blocking(folder)
        if blocking:
            raise ReactorError(_in_the_way(folder, blocking))
        try:
            for path, text in self.files.items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                # Not even what somebody else has made in this moment is written over.
                with target.open("x", encoding="utf-8", newline="\n") as file:
                    file.write(text)
        except OSError as error:
            raise ReactorError(f"{error.filename} cannot be written: {error.strerror}. Name another folder.") from None

    def _blocking(self, folder: Path) -> list[str]:
        """Paths that are needed and taken: by a file of that name, or by one where a folder shall be."""
        needed = {parent for path in self.files for parent in Path(path).parents}
        folders = [path for path in needed if _is_there(folder / path) and not (folder / path).is_dir()]
        return sorted([path for path in self.files if _is_there(folder / path)] + [path.as_posix() for path in folders])


def project_name(folder: Path) -> str:
    """The name that a folder gives its project, fit for titles, TOML, JSON and HTML."""
    return " ".join(re.findall(r"[\w.-]+", folder.absolute().resolve().name)) or "chat"


def _package(name: str) -> str:
    """A name that PyPI and npm take."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "chat"


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _texts(folder: Traversable, prefix: str = "") -> dict[str, str]:
    """The files below a folder of templates. The dot of `.gitignore` is added here: tools pass over names with one."""
    found: dict[str, str] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _texts(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            found[f"{prefix}.gitignore" if name == "gitignore" else prefix + name] = entry.read_text("utf-8")
    return found


def _is_there(path: Path) -> bool:
    """Whether a name is taken, be it by a link that leads nowhere."""
    return path.exists() or path.is_symlink()


def _in_the_way(folder: Path, blocking: list[str]) -> str:
    shown = [f"  {path}" for path in blocking[:_SHOWN]]
    more = [f"  and {len(blocking) - _SHOWN} more"] if len(blocking) > _SHOWN else []
    lines = [f"{folder} has what the project would bring:", "", *shown, *more, ""]
    return "\n".join([*lines, "Nothing was written. Name another folder (`reactor init DIR`), or move these away."])
