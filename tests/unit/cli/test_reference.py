"""The page of the commands knows every command and every option."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from reactor.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "commands.md").read_text()
COMMANDS = typer.main.get_group(app).commands


def section(command: str) -> str:
    """The part of the page about one command."""
    found = re.search(rf"^## reactor {command}\b.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/reference/commands.md has no section for {command}"
    return found[0]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_is_in_the_page(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")}
    # `start` has the options of `dev`, and says so.
    text = section("dev") if name == "start" else section(name)
    assert set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE)) == options - {"--help"}


def test_start_has_the_options_of_dev() -> None:
    dev, start = ({option for p in COMMANDS[name].params for option in p.opts} for name in ("dev", "start"))
    assert dev == start
