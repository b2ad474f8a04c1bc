import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import reactor
from reactor.errors import FunctionInterrupted
from reactor.runtime.watchdog import Budget, Watchdog

SHORT = 0.02
"""CPU seconds after which the functions of these tests are interrupted."""


@contextmanager
def watching(tick: float = 0.002) -> Generator[Watchdog]:
    watchdog = Watchdog(tick=tick)
    watchdog.start()
    try:
        yield watchdog
    finally:
        watchdog.stop()


def compute(seconds: float) -> str:
    """Use this much CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return "done"


def for_ever(_: object) -> None:
    while True:
        pass


def test_a_step_gives_what_the_call_gives() -> None:
    with watching() as watchdog:
        assert watchdog.step(Budget(), str, 5) == "5"
        with pytest.raises(ZeroDivisionError):
            watchdog.step(Budget(), lambda n: 1 // n, 0)


def test_an_endless_function_is_interrupted_where_it_is() -> None:
    budget = Budget(SHORT)
    with watching() as watchdog, pytest.raises(FunctionInterrupted) as caught:
        watchdog.step(budget, for_ever, None)
    assert str(caught.value) == "Function execution timed out (maximum duration: 0.02s)"
    assert caught.traceback[-1].name == "for_ever"
    assert budget.interrupted


def test_the_limit_of_one_second_is_called_1s() -> None:
    with watching() as watchdog:
        budget = Budget()
        budget.used = 0.99
        with pytest.raises(FunctionInterrupted, match=r"^Function execution timed out \(maximum duration: 1s\)$"):
            watchdog.step(budget, for_ever, None)


def test_what_is_swallowed_comes_again_until_the_step_ends() -> None:
    swallowed: list[BaseException] = []

    def stubborn(_: object) -> None:
        while len(swallowed) < 5:
            try:
                while True:
                    compute(0.0001)
            except BaseException as error:
                swallowed.append(error)

    with watching() as watchdog, pytest.raises(FunctionInterrupted):
        watchdog.step(Budget(SHORT), stubborn, None)
    assert {type(error) for error in swallowed} == {FunctionInterrupted}


@pytest.mark.parametrize("turned_into", [None, ValueError("something else")])
def test_a_function_that_hides_its_interruption_fails_anyway(turned_into: Exception | None) -> None:
    def hiding(_: object) -> str:
        try:
            for_ever(None)
        except BaseException:
            if turned_into is not None:
                raise turned_into from None
        return "fine"

    with watching() as watchdog, pytest.raises(FunctionInterrupted, match="timed out"):
        watchdog.step(Budget(SHORT), hiding, None)


def test_the_steps_of_a_run_share_its_budget() -> None:
    budget = Budget(10.0)
    with watching() as watchdog:
        watchdog.step(budget, compute, 0.05)
        first = budget.used
        watchdog.step(budget, compute, 0.05)
    assert 0 < first < budget.used < 0.2
    assert not budget.interrupted


def test_a_step_inside_a_step_has_its_own_budget() -> None:
    outer, inner = Budget(10.0), Budget(SHORT)

    def calling(_: object) -> str:
        with pytest.raises(FunctionInterrupted):
            watchdog.step(inner, for_ever, None)
        return compute(0.01)

    with watching() as watchdog:
        assert watchdog.step(outer, calling, None) == "done"
    assert (outer.interrupted, inner.interrupted) == (False, True)
    assert inner.used > SHORT
    assert outer.used < 0.01 + SHORT


def test_the_outer_budget_counts_before_and_after_a_step_inside() -> None:
    def calling(_: object) -> None:
        assert watchdog.step(Budget(10.0), compute, SHORT * 4) == "done"
        for_ever(None)

    with watching() as watchdog:
        with pytest.raises(FunctionInterrupted, match=r"0\.02s"):
            watchdog.step(Budget(SHORT), calling, None)
        assert watchdog.step(Budget(10.0), compute, 0.0) == "done"


def swallowing(_: object) -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def swallowing_twice(_: object) -> None:
    while True:
        try:
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        except BaseException:
            pass


def swallowing_below(_: object) -> None:
    while True:
        try:
            swallowing(None)
        except BaseException:
            continue


def never_finished(_: object) -> None:
    try:
        for_ever(None)
    finally:
        while True:
            pass


def returning(_: object) -> str:
    while True:
        try:
            for_ever(None)
        finally:
            continue  # noqa: B012 - what it does is the point


@pytest.mark.parametrize(
    "function", [swallowing, swallowing_twice, swallowing_below, never_finished, returning], ids=lambda f: f.__name__
)
def test_nothing_can_swallow_an_interruption_for_ever(function: Callable[[object], object]) -> None:
    before = sys.gettrace()
    with watching() as watchdog:
        for _ in range(3):
            with pytest.raises(FunctionInterrupted, match="timed out"):
                watchdog.step(Budget(SHORT), function, None)
            assert sys.gettrace() is before
            assert watchdog.step(Budget(10.0), compute, 0.01) == "done"


@pytest.fixture
def eager_threads() -> Generator[None]:
    """Threads take turns a hundred times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 100)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("eager_threads")
def test_an_interruption_never_comes_up_after_its_step() -> None:
    # Steps that end about when their budget does, at a monitor that looks as often as it can.
    interrupted = 0
    with watching(tick=0.0005) as watchdog:
        for number in range(150):
            try:
                watchdog.step(Budget(0.001), compute, 0.001 + number % 10 * 0.0005)
            except FunctionInterrupted:
                interrupted += 1
            compute(0.0002)
    assert interrupted > 0


def test_two_threads_are_watched_by_two_watchdogs() -> None:
    results: list[str] = []

    def serve() -> None:
        with watching() as watchdog:
            try:
                watchdog.step(Budget(SHORT), for_ever, None)
            except FunctionInterrupted:
                results.append("interrupted")

    with watching() as watchdog:
        thread = threading.Thread(target=serve)
        thread.start()
        assert watchdog.step(Budget(10.0), compute, SHORT) == "done"
        thread.join()
    assert results == ["interrupted"]


def code_in(file: str, source: str, **names: Any) -> Callable[..., Any]:
    """The function `engine` of a source, as if it stood in `file`."""
    exec(compile(source, file, "exec"), names)
    return names["engine"]


OWN_FILE = str(Path(reactor.__file__).with_name("engine.py"))


def test_reactors_own_code_is_not_cut_off() -> None:
    # What the engine calls in a library counts as its own doing.
    busy = code_in(
        threading.__file__,
        "import time\ndef engine(seconds):\n    end = time.thread_time() + seconds\n"
        "    while time.thread_time() < end:\n        pass\n",
    )
    engine = code_in(OWN_FILE, "def engine(log):\n    busy(0.1)\n    log.append('whole')\n", busy=busy)
    log: list[str] = []

    def function(_: object) -> None:
        engine(log)
        for_ever(None)

    with watching() as watchdog, pytest.raises(FunctionInterrupted) as caught:
        watchdog.step(Budget(SHORT), function, None)
    assert log == ["whole"]
    assert caught.traceback[-1].name == "for_ever"


def test_user_code_that_reactor_calls_is_interrupted() -> None:
    engine = code_in(OWN_FILE, "def engine(callback):\n    callback(None)\n")
    with watching() as watchdog, pytest.raises(FunctionInterrupted):
        watchdog.step(Budget(SHORT), engine, for_ever)


class Bed(threading.Event):
    """An event that tells when somebody waits for it without end."""

    def __init__(self) -> None:
        super().__init__()
        self.slept_in = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None:
            self.slept_in.set()
        return super().wait(timeout)


def test_the_monitor_sleeps_when_nothing_runs_and_wakes_for_the_next_step() -> None:
    watchdog, bed = Watchdog(tick=0.001), Bed()
    watchdog._wake = bed
    watchdog.start()
    try:
        for _ in range(2):
            assert bed.slept_in.wait(30)
            bed.slept_in.clear()
            with pytest.raises(FunctionInterrupted):
                watchdog.step(Budget(SHORT), for_ever, None)
    finally:
        watchdog.stop()


def test_stopping_wakes_a_sleeping_monitor() -> None:
    watchdog, bed = Watchdog(tick=0.001), Bed()
    watchdog._wake = bed
    watchdog.start()
    assert bed.slept_in.wait(30)
    watchdog.stop()
    assert not watchdog._monitor.is_alive()


def test_an_unstarted_watchdog_watches_nothing() -> None:
    watchdog = Watchdog()
    assert watchdog.step(Budget(0.0), compute, 0.001) == "done"
    watchdog.stop()


def test_where_no_cpu_clock_can_be_read_time_itself_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "pthread_getcpuclockid")
    with watching() as watchdog, pytest.raises(FunctionInterrupted):
        watchdog.step(Budget(SHORT), for_ever, None)
