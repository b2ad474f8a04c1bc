"""What `reactor copy` shows: lines and bars, and what it says at the end."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from reactor.cli.copy_progress import Bars, Lines, Quiet, view

NEAR = "stop it now"


def ticking(*times: float) -> Iterator[float]:
    yield from times


def test_lines_come_with_every_stage_and_else_in_intervals() -> None:
    lines: list[str] = []
    times = ticking(0.0, 1.0, 10.0, 11.0, 20.0, 21.0)
    shown = Lines(NEAR, lines.append, lambda: next(times))
    shown.stage("copying", 5_000)
    shown.did(1_000, 2**20)
    shown.did(1_000, 19 * 2**20)
    shown.did(1_000, 2**20)
    shown.did(1_000, 9 * 2**20)
    shown.near()
    shown.near()
    shown.pruned()
    shown.stage("the last \x1b[31m", None)
    shown.close()
    assert lines == [
        "copying, about 5,000 rows\n",
        "copying: 2,000 of about 5,000 rows, 2.0 MiB/s\n",
        "copying: 4,000 of about 5,000 rows, 1.5 MiB/s\n",
        f"{NEAR}\n",
        "The source has forgotten commits that were not copied yet; everything that is there is compared with it.\n",
        "the last \\x1b[31m\n",
    ]


def test_bars_show_rows_and_speed_and_say_once_that_it_is_near() -> None:
    stream = io.StringIO()
    times = ticking(0.0, 0.0, 2.0, 2.0)
    shown = Bars(NEAR, Console(file=stream, force_terminal=True, width=160, color_system=None), lambda: next(times))
    shown.stage("copying", 3_000)
    shown.did(1_000, 0)
    shown.did(500, 3 * 2**20)
    shown.near()
    shown.near()
    shown.stage("comparing", None)
    shown.close()
    text = stream.getvalue()
    assert "copying" in text
    assert "1,500 rows 1.5 MiB/s" in text
    assert "comparing" in text
    assert text.count(NEAR) == 1


def test_without_a_terminal_there_are_lines_and_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(view(NEAR, silent=False), Lines)
    quiet = view(NEAR, silent=True)
    assert isinstance(quiet, Quiet)
    quiet.stage("copying", 1)
    quiet.did(1, 1)
    quiet.near()
    quiet.pruned()
    quiet.close()
    assert capsys.readouterr() == ("", "")
