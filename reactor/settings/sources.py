"""Where settings come from: flag, then environment, then the application's pyproject.toml, then the default."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reactor.errors import SettingsError
from reactor.settings.table import Setting, Settings, settings_table

__all__ = ["load_settings", "parse_assignments"]

# Variables with these beginnings steer our tests and benchmarks, not a server.
_NOT_SETTINGS = ("REACTOR_TEST_", "REACTOR_BENCH_", "REACTOR_COPY_")

_TABLE = {row.name: row for row in settings_table()}


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as somebody wrote it, with where it was written and what a relative path in it counts from."""

    setting: Setting
    raw: object
    origin: str
    base: Path


def load_settings(
    directory: Path,
    *,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of the application in `directory`.

    `flags`: values by setting name, None for a flag that was not given. `environ`: None means the process's own.
    Paths in the result are absolute. Raises SettingsError for an unknown name or an impossible value: it says where
    the value came from and what is allowed.
    """
    directory = directory.absolute()
    chosen: dict[str, _Given] = {}
    for given in _from_file(directory):
        chosen[given.setting.name] = given
    for given in _from_environment(os.environ if environ is None else environ):
        chosen[given.setting.name] = given
    for given in _from_flags(flags or {}):
        chosen[given.setting.name] = given
    values: dict[str, Any] = {name: _value(given) for name, given in chosen.items()}
    values.setdefault("data", directory / cast(Path, _TABLE["data"].default))
    return Settings(**values)


def parse_assignments(texts: list[str]) -> dict[str, str]:
    """`["max_body_bytes=64 MiB"]` as flags for `load_settings`. Raises SettingsError for a text without `=`."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError("--set wants NAME=VALUE, and the = is missing. Example: --set max_body_bytes='64 MiB'")
        row = _known(name.strip(), "flag --set")
        values[row.name] = value
    return values


def _from_file(directory: Path) -> Iterator[_Given]:
    path = directory / "pyproject.toml"
    origin = f"[tool.reactor] of {path}"
    for key, raw in _reactor_table(path).items():
        yield _Given(_known(key.replace("-", "_"), origin), raw, f"{key} in {origin}", directory)


def _reactor_table(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {error}. Mend it, or remove it: all settings have defaults."
        ) from None
    try:
        return _inner(_inner(document, "tool"), "reactor")
    except TypeError:
        raise SettingsError(f"tool.reactor of {path} must be a table, as in:\n[tool.reactor]\nport = 3210") from None


def _inner(table: dict[str, object], key: str) -> dict[str, object]:
    inner = table.get(key, {})
    if not isinstance(inner, dict):
        raise TypeError(key)
    return cast(dict[str, object], inner)


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Given]:
    here = Path.cwd()
    for variable, raw in sorted(environ.items()):
        if not variable.startswith("REACTOR_") or variable.startswith(_NOT_SETTINGS):
            continue
        origin = f"environment variable {variable}"
        yield _Given(_known(variable.removeprefix("REACTOR_").lower(), origin), raw, origin, here)


def _from_flags(flags: Mapping[str, object]) -> Iterator[_Given]:
    here = Path.cwd()
    for name, raw in flags.items():
        if raw is not None:
            row = _known(name, "flags")
            yield _Given(row, raw, f"flag {row.flag or f'--set {row.name}'}", here)


def _known(name: str, origin: str) -> Setting:
    row = _TABLE.get(name)
    if row is not None:
        return row
    near = difflib.get_close_matches(name, _TABLE, n=3)
    meant = f"Did you mean {' or '.join(near)}?" if near else f"Allowed are: {', '.join(_TABLE)}."
    raise SettingsError(f"There is no setting {name!r} ({origin}). {meant}")


def _value(given: _Given) -> object:
    row = given.setting
    try:
        value = row.kind.read(given.raw)
    except ValueError:
        # A key that was mistyped by one character is still most of a key, so a secret is never repeated.
        shown = "a value that cannot be one" if row.kind.name.startswith("secret") else repr(given.raw)
        raise SettingsError(f"{row.name} is {shown} ({given.origin}). Allowed is {row.kind.allowed}.") from None
    return given.base / value.expanduser() if isinstance(value, Path) else value
