"""The page `docs/reference/settings.md`, written from the table."""

from collections.abc import Iterator
from itertools import groupby

from reactor.settings.table import Setting, settings_table

__all__ = ["reference_page"]

_HEAD = """\
# Settings

<!-- Written by `python -m reactor.settings`; `make docs` renews it. Change reactor/settings instead. -->

A setting is taken from the first of these that has it:

1. a **flag** of the command: `reactor dev --port 4000`, or `--set NAME=VALUE` for those without a flag of their own,
2. an **environment variable**: `REACTOR_PORT=4000`,
3. the **file** `pyproject.toml` of the application, under `[tool.reactor]`: `port = 4000`,
4. its default.

An unknown name or an impossible value stops the start with an error that says where it stands and what is allowed.
Sizes may carry `KiB`, `MiB` or `GiB`, times `s`, `min`, `h` or `days`; bare numbers are bytes and seconds.

```toml
[tool.reactor]
port = 4000
max_body_bytes = "64 MiB"
action_seconds = "10 min"
```
"""


def reference_page() -> str:
    """The whole page as Markdown."""
    groups = groupby(settings_table(), key=lambda row: row.group)
    return _HEAD + "".join(_section(group, list(rows)) for group, rows in groups)


def _section(group: str, rows: list[Setting]) -> str:
    head = f"\n## {group}\n\n| Setting | Default | What it does, and why |\n| --- | --- | --- |\n"
    return head + "".join(_line(row) for row in rows)


def _line(row: Setting) -> str:
    cells = ["<br>".join(_names(row)), row.show_default(), f"{row.means} *{row.reason}* Allowed: {row.kind.allowed}."]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _names(row: Setting) -> Iterator[str]:
    yield f"`{row.name}` ({row.kind.name})"
    if row.flag:
        yield f"`{row.flag}`"
    yield f"`{row.variable}`"
