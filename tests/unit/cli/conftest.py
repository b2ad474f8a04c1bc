"""The command in this process, with an engine that only records what it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from reactor.cli import run, serving
from reactor.cli.main import app
from tests.unit.cli.recording import Reactor, RecordingEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> RecordingEngine:
    recording = RecordingEngine()
    monkeypatch.setattr(serving, "load_engine", lambda: recording)
    monkeypatch.setattr(run, "load_engine", lambda: recording)
    return recording


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An application's folder, which is also the current one."""
    (tmp_path / "functions").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Reactor:
    """`reactor("dev", "--port", "1")` as typed in a shell, in an environment without settings of ours."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    runner = CliRunner()

    def invoke(*words: str, **environ: str) -> Result:
        return runner.invoke(app, list(words), env=dict(environ), prog_name="reactor")

    return invoke
