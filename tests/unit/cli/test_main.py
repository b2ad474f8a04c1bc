"""`reactor` itself: version, help, and what a wrong word gives."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, version

import pytest

from reactor.cli.main import main
from tests.unit.cli.recording import Reactor


def test_version(reactor: Reactor) -> None:
    result = reactor("--version")
    assert (result.exit_code, result.stdout) == (0, f"reactor {version('reactor')}\n")


def test_no_words_show_the_help(reactor: Reactor) -> None:
    assert "First steps" in reactor().output


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["dev", "-h"], ["start", "-h"], ["run", "-h"]])
def test_help_teaches_with_examples(reactor: Reactor, words: list[str]) -> None:
    result = reactor(*words)
    assert result.exit_code == 0
    assert "reactor dev" in result.output or "reactor start" in result.output or "reactor run" in result.output
    assert "[bold]" not in result.output


def test_help_needs_no_engine(reactor: Reactor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reactor.app", None)  # makes its import an error
    monkeypatch.delattr("reactor.app", raising=False)
    assert reactor("dev", "--help").exit_code == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["serve"], "No such command 'serve'"),
        (["dev", "--prot", "1"], "No such option"),
        (["run"], "Missing argument 'PATH'"),
        (["dev", ".", "more"], "unexpected extra argument"),
    ],
)
def test_wrong_words_are_named(reactor: Reactor, words: list[str], text: str) -> None:
    result = reactor(*words)
    assert result.exit_code == 2
    assert text in result.stderr


def test_the_entry_point_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="reactor")
    assert script.load() is main
