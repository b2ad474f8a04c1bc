"""The page of the commands knows every command and every option."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from reactor.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "commands.md").read_text()
COMMANDS = typer.main.get_group(app).commands
GROUPS = {name: command for name, command in COMMANDS.items() if isinstance(command, TyperGroup)}


def section(command: str) -> str:
    """The part of the page about one command."""
    found = re.search(rf"^## reactor {command}\b.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/reference/commands.md has no section for {command}"
    return found[0]


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")} - {"--help"}


@pytest.mark.parametrize("name", sorted(name for name in COMMANDS if name not in GROUPS))
def test_every_option_is_in_the_page(name: str) -> None:
    # `start` has the options of `dev`, and says so.
    text = section("dev") + section("start") if name == "start" else section(name)
    assert set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE)) == options(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_command_of_a_group_is_in_the_page(name: str) -> None:
    text = section(name)
    for command in GROUPS[name].commands.values():
        assert f"reactor {name} {command.name}" in text
        assert options(command) <= set(re.findall(r"--[a-z-]+", text)), command.name


def test_start_has_the_options_of_dev() -> None:
    dev, start = ({option for p in COMMANDS[name].params for option in p.opts} for name in ("dev", "start"))
    assert dev | {"--workers"} == start
