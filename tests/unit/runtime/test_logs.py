import asyncio
import io
import logging
import re
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.runtime.logs import Level, LogLimits, RunLog, capture, current_run, enter, install, leave

MOST_LINES, LONGEST_LINE = LogLimits().lines, LogLimits().line_bytes


class Terminal:
    """What the streams of a process have shown."""

    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()

    def shown(self) -> tuple[str, str]:
        return self.out.getvalue(), self.err.getvalue()


@contextmanager
def installed(*handlers: logging.Handler, level: int = logging.INFO) -> Generator[Terminal]:
    """The streams and the root logger of a fresh process, with the capture installed over them.

    Not a fixture, because pytest puts its own streams back between setting up a test and calling it.
    """
    terminal, root = Terminal(), logging.getLogger()
    before = sys.stdout, sys.stderr, root.handlers[:], root.level
    sys.stdout, sys.stderr, root.handlers[:] = terminal.out, terminal.err, handlers
    root.setLevel(logging.WARNING)
    undo = install(level=level)
    try:
        yield terminal
        undo()
        assert (sys.stdout, sys.stderr, root.handlers) == (terminal.out, terminal.err, list(handlers))
    finally:
        sys.stdout, sys.stderr, root.handlers[:], _ = before
        root.setLevel(before[3])


def test_prints_of_a_run_are_its_lines() -> None:
    with installed() as terminal, capture(RunLog("rooms:list")) as run:
        print("hi", 1)
        print("two\nlines")
        print()
        sys.stdout.writelines(["a", "b\n"])
        print("bad", file=sys.stderr)
    assert run.lines == ["[LOG] hi 1", "[LOG] two\nlines", "[LOG] ", "[LOG] ab", "[ERROR] bad"]
    assert terminal.shown() == ("", "")


def test_streams_pass_through_outside_of_runs() -> None:
    with installed() as terminal:
        print("out", flush=True)
        print("err", file=sys.stderr)
        assert sys.stdout.writable()
    assert terminal.shown() == ("out\n", "err\n")


def test_what_has_no_newline_is_a_line_when_the_run_ends() -> None:
    with installed(), capture(RunLog("rooms:list")) as run:
        print("a", end="")
        print("b", end="", file=sys.stderr)
        print("c", end="")
    assert run.lines == ["[LOG] ac", "[ERROR] b"]


def test_a_line_may_be_written_across_steps() -> None:
    run = RunLog("rooms:list")
    with installed():
        for text in ("a", "b"):
            token = enter(run)
            print(text, end="")
            leave(token)
    assert run.lines == []
    run.finish()
    assert run.lines == ["[LOG] ab"]


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (logging.DEBUG, "[DEBUG] 1 of 2"),
        (logging.INFO, "[INFO] 1 of 2"),
        (logging.WARNING, "[WARN] 1 of 2"),
        (logging.ERROR, "[ERROR] 1 of 2"),
        (logging.CRITICAL, "[ERROR] 1 of 2"),
    ],
)
def test_log_records_of_a_run_are_its_lines(level: int, line: str) -> None:
    with installed(level=logging.DEBUG) as terminal, capture(RunLog("rooms:list")) as run:
        logging.getLogger("app.rooms").log(level, "%d of %d", 1, 2)
    assert run.lines == [line]
    assert terminal.shown() == ("", "")


def test_records_below_the_level_are_left_out() -> None:
    with installed(), capture(RunLog("rooms:list")) as run:
        logging.getLogger("app.rooms").debug("detail")
    assert run.lines == []


def test_a_traceback_in_a_record_is_part_of_the_line() -> None:
    with installed(), capture(RunLog("rooms:list")) as run:
        try:
            raise ValueError("no such room")
        except ValueError:
            logging.exception("failed")
    (line,) = run.lines
    assert line.startswith("[ERROR] failed\nTraceback")
    assert line.endswith("ValueError: no such room")


def test_a_record_that_cannot_be_formatted_does_not_fail_the_function() -> None:
    with installed(), capture(RunLog("rooms:list")) as run:
        logging.warning("%d", "text")
        print("still here")
    assert run.lines[-1] == "[LOG] still here"


def test_records_outside_of_runs_go_where_they_went_before() -> None:
    with installed() as terminal:
        logging.getLogger("app").warning("beware")
        logging.getLogger("app").info("quiet")
    assert terminal.shown() == ("", "beware\n")


def test_handlers_that_were_there_get_only_records_outside_of_runs() -> None:
    stream = io.StringIO()
    with installed(logging.StreamHandler(stream)):
        with capture(RunLog("rooms:list")) as run:
            logging.error("inside")
        logging.error("outside")
    assert run.lines == ["[ERROR] inside"]
    assert stream.getvalue() == "outside\n"


def test_the_servers_own_records_are_no_output_of_a_function() -> None:
    with installed() as terminal, capture(RunLog("rooms:list")) as run:
        logging.getLogger("reactor.store").warning("disk is slow")
    assert (run.lines, terminal.shown()) == ([], ("", "disk is slow\n"))


def test_undoing_leaves_alone_what_somebody_else_has_put_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", before := io.StringIO())
    undo = install()
    sys.stdout = newer = io.StringIO()
    undo()
    assert sys.stdout is newer
    assert sys.stderr is before


def test_the_sink_gets_path_and_line_and_may_print() -> None:
    def sink(path: str, line: str) -> None:
        print(f"{path} {line}")

    with installed() as terminal, capture(RunLog("rooms:list", sink)) as run:
        print("hi")
        assert current_run() is run
    assert run.lines == ["[LOG] hi"]
    assert terminal.shown() == ("rooms:list [LOG] hi\n", "")


def test_a_sink_whose_terminal_is_gone_is_not_asked_again() -> None:
    asked: list[str] = []

    def sink(path: str, line: str) -> None:
        asked.append(line)
        raise BrokenPipeError

    run = RunLog("rooms:list", sink)
    run.add(Level.LOG, "a")
    run.add(Level.LOG, "b")
    assert run.lines == ["[LOG] a", "[LOG] b"]
    assert asked == ["[LOG] a"]


def test_the_last_line_says_that_others_are_missing() -> None:
    run = RunLog("rooms:list")
    for number in range(MOST_LINES + 10):
        run.add(Level.LOG, str(number))
    assert len(run.lines) == MOST_LINES == 256
    assert run.lines[-2] == f"[LOG] {MOST_LINES - 2}"
    assert run.lines[-1].startswith("[ERROR] More than 256 log lines")


@given(st.sampled_from(["x", "é", "€", "😀", "\ud800"]), st.integers(-3, 3))
def test_long_lines_are_cut_at_a_whole_character(character: str, more: int) -> None:
    width = len(character.encode("utf-8", "replace"))
    text = character * (LONGEST_LINE // width + more)
    run = RunLog("rooms:list")
    run.add(Level.LOG, text)
    (line,) = run.lines
    kept = line.removeprefix("[LOG] ")
    encoded = text.encode("utf-8", "replace")
    assert len(kept.encode()) <= LONGEST_LINE == 32_768
    if len(encoded) <= LONGEST_LINE:
        assert kept == encoded.decode()
    else:
        assert kept.endswith(" (truncated due to length)")


def test_output_without_newlines_does_not_pile_up() -> None:
    with installed(), capture(RunLog("rooms:list")) as run:
        for _ in range(100):
            print("x" * 1000, end="")
    assert run.lines == ["[LOG] " + "x" * (LONGEST_LINE - 26) + " (truncated due to length)"]


async def test_threads_and_tasks_of_a_run_write_to_it() -> None:
    first, second = RunLog("a:a"), RunLog("b:b")

    async def work(run: RunLog) -> None:
        with capture(run):
            print("before")
            await asyncio.to_thread(print, "in a thread")
            await asyncio.create_task(asyncio.to_thread(print, "in a task"))

    with installed():
        await asyncio.gather(work(first), work(second))
    assert first.lines == second.lines == ["[LOG] before", "[LOG] in a thread", "[LOG] in a task"]


def test_a_warning_is_given_once_per_topic() -> None:
    run = RunLog("rooms:list")
    for topic in ("a", "b", "a"):
        run.warn_once(topic, f"mind {topic}")
    assert run.lines == ["[WARN] mind a", "[WARN] mind b"]


def test_limits_of_a_log_can_be_chosen() -> None:
    run = RunLog("rooms:list", limits=LogLimits(lines=3, line_bytes=64))
    for text in ("x" * 100, "two", "three", "four"):
        run.add(Level.LOG, text)
    cut = "x" * 38 + " (truncated due to length)"
    assert run.lines == [f"[LOG] {cut}", "[LOG] two", "[ERROR] More than 3 log lines in one run: the rest is left out."]
    assert len(cut) == 64


def test_lines_of_called_runs_count_for_the_limit_and_are_not_shown_again() -> None:
    shown: list[str] = []
    run = RunLog("a:b", lambda path, line: shown.append(line), limits=LogLimits(lines=3))
    run.absorb(["[LOG] one", "[WARN] two"])
    assert run.lines == ["[LOG] one", "[WARN] two"]
    run.absorb(["[LOG] three", "[LOG] four"])
    assert run.lines[2:] == ["[ERROR] More than 3 log lines in one run: the rest is left out."]
    assert shown == []


def test_warnings_of_a_run_are_its_lines() -> None:
    outside: list[str] = []

    def show(message: Warning | str, *_: object) -> None:
        outside.append(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        with installed():
            with capture(RunLog("rooms:list")) as run:
                warnings.warn("old way", DeprecationWarning, stacklevel=1)
            warnings.warn("outside", UserWarning, stacklevel=1)
        assert warnings.showwarning is show
    (line,) = run.lines
    assert re.fullmatch(r"\[WARN\] DeprecationWarning: old way \(runtime/test_logs\.py:\d+\)", line)
    assert outside == ["outside"]
