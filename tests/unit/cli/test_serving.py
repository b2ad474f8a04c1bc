"""`reactor dev` and `reactor start`: what they hand to the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from reactor.cli.terminal import Terminal
from reactor.settings import Secret, Settings
from tests.unit.cli.recording import Reactor, RecordingEngine


def test_dev_serves_the_current_folder_with_reload(
    reactor: Reactor, engine: RecordingEngine, application: Path
) -> None:
    result = reactor("dev")
    assert result.exit_code == 7
    ((settings, directory, reload, events),) = engine.served
    assert settings == Settings(data=application / ".reactor", mode="development")
    assert (directory, reload) == (application, True)
    assert isinstance(events, Terminal)


def test_start_serves_in_production_without_reload(
    reactor: Reactor, engine: RecordingEngine, application: Path
) -> None:
    reactor("start", str(application))
    ((settings, directory, reload, _),) = engine.served
    assert (settings.mode, settings.redacts, directory, reload) == ("production", True, application, False)


@pytest.mark.parametrize(("words", "workers"), [([], 1), (["--workers", "3"], 3), (["--workers", "auto"], "auto")])
def test_start_takes_a_number_of_workers(
    reactor: Reactor, engine: RecordingEngine, application: Path, words: list[str], workers: int | str
) -> None:
    reactor("start", *words)
    ((settings, _, _, _),) = engine.served
    assert settings.workers == workers


@pytest.mark.parametrize("workers", ["2", "auto"])
def test_dev_is_one_process(reactor: Reactor, engine: RecordingEngine, application: Path, workers: str) -> None:
    result = reactor("dev", REACTOR_WORKERS=workers)
    assert result.exit_code == 1
    assert "The setting workers is for `reactor start`" in result.stderr
    assert engine.served == []
    assert reactor("dev", "--set", "workers=1", REACTOR_WORKERS=workers).exit_code == 7


def test_flags_beat_the_environment_and_it_beats_the_file(
    reactor: Reactor, engine: RecordingEngine, application: Path
) -> None:
    (application / "pyproject.toml").write_text(
        '[tool.reactor]\nport = 1\nhost = "a"\nlog_level = "error"\nmax_actions = 5\nmode = "production"\n'
    )
    reactor(
        *("dev", "--port", "3", "--data", "store", "--admin-key", "key-of-flag", "--set", "max_actions=6"),
        REACTOR_PORT="2",
        REACTOR_HOST="b",
        REACTOR_ADMIN_KEY="key-of-environment",
        REACTOR_MODE="production",
    )
    ((settings, _, _, _),) = engine.served
    assert settings == Settings(
        port=3,
        host="b",
        log_level="error",
        max_actions=6,
        data=application / "store",
        admin_key=Secret("key-of-flag"),
        mode="development",
    )


def test_a_flag_of_its_own_beats_set(reactor: Reactor, engine: RecordingEngine, application: Path) -> None:
    reactor("dev", "--port", "3", "--set", "port=4", "--set", "mode=production")
    ((settings, _, _, _),) = engine.served
    assert (settings.port, settings.mode) == (3, "development")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--port", "70000"], "port is '70000' (flag --port). Allowed is a whole number from 0 to 65535."),
        (["--set", "prot=1"], "There is no setting 'prot' (flag --set). Did you mean port?"),
        (["--set", "port"], "--set wants NAME=VALUE"),
        (["--set", "workers=0"], "workers is '0' (flag --workers). Allowed is a whole number from 1 to 256, or auto."),
        (["--log-level", "loud"], "Allowed is one of debug, info, warning, error."),
    ],
)
def test_an_impossible_setting_ends_before_anything_starts(
    reactor: Reactor, engine: RecordingEngine, application: Path, words: list[str], text: str
) -> None:
    result = reactor("dev", *words)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert text in result.stderr
    assert engine.served == []


def test_an_impossible_key_is_not_repeated(reactor: Reactor, engine: RecordingEngine, application: Path) -> None:
    result = reactor("dev", "--admin-key", "sesame:sesame")
    assert result.exit_code == 1
    assert "sesame" not in result.output


def test_a_folder_that_is_not_there(reactor: Reactor, engine: RecordingEngine, tmp_path: Path) -> None:
    result = reactor("dev", str(tmp_path / "nowhere"))
    assert result.exit_code == 1
    assert "is no folder" in result.stderr


def test_a_folder_without_functions_is_told_how_to_begin(
    reactor: Reactor, engine: RecordingEngine, tmp_path: Path
) -> None:
    result = reactor("start", str(tmp_path))
    assert result.exit_code == 1
    assert "functions/greetings.py" in result.stderr
    assert "@query" in result.stderr
    assert engine.served == []
