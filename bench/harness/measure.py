"""Runs of a workload: every phase in turn, several times, and what the runs say of the claims."""

import contextlib
import json
import operator
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.generator import generate
from harness.machine import DISTURBED_PERCENT, Busy, conditions, pinned, server_core
from harness.plan import WORKLOADS
from harness.servers import BENCH, Running, running, scratch
from harness.workload import Claim, Phase, Settings

__all__ = ["Bench", "Figures", "Run", "brief", "judge", "spread"]

Figures = dict[str, object]
Run = dict[str, Figures]
Observe = Callable[[Running, str], None]

COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


@dataclass
class Bench:
    """Where the databases lie, what is measured, and which subjects (None: all; else names that contain a word).

    `tries`: how often a phase is measured while other processes disturb it; the least disturbed one counts.
    """

    settings: Settings
    disk: Path
    only: tuple[str, ...] | None = None
    tries: int = 1
    say: Callable[[str], None] = field(default=lambda text: sys.stderr.write(text + "\n"))

    def measure(self, name: str, runs: int) -> dict[str, object]:
        """A result: conditions, the figures of every run, the claims judged."""
        workload, found = WORKLOADS[name], list[Run]()
        self.disk.mkdir(parents=True, exist_ok=True)
        about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "conditions": conditions(self.disk)}
        with contextlib.ExitStack() as kept:
            places: dict[str, Path] = {}
            for number in range(1, runs + 1):
                self.say(f"{name} run {number} of {runs}: {workload.title}")
                found.append(self._run(self.phases(name), found[0] if found else {}, places, kept))
        claims = [judge(claim, found, self.settings.quick) for claim in workload.claims(self.settings)]
        return {
            "workload": name,
            "title": workload.title,
            "quick": self.settings.quick,
            **about,
            "shown": workload.shown,
            "claims": [claim for claim in claims if claim is not None],
            "runs": found,
        }

    def phases(self, name: str) -> list[Phase]:
        """The phases of a workload that are wanted and possible on this machine."""
        planned = [phase for phase in WORKLOADS[name].phases(self.settings) if phase is not None]
        return [phase for phase in planned if self.only is None or any(word in phase.subject for word in self.only)]

    def _run(self, phases: list[Phase], first: Run, places: dict[str, Path], kept: contextlib.ExitStack) -> Run:
        run: Run = {}
        for phase in phases:
            if phase.once and phase.subject in first:
                run[phase.subject] = first[phase.subject]
                continue
            run[phase.subject] = self._calmest(phase, run, places, kept)
            self.say(f"  {phase.subject}: {brief(run[phase.subject])}")
        return run

    def _calmest(self, phase: Phase, run: Run, places: dict[str, Path], kept: contextlib.ExitStack) -> Figures:
        found: list[Figures] = []
        # What fills a folder for later phases must not do it twice.
        while len(found) < (1 if phase.once else self.tries):
            with self.place(phase, places, kept) as folder:
                found.append(self.one(phase, run, folder))
            if found[-1]["foreign_cpu_percent"] < DISTURBED_PERCENT:
                break
        return min(found, key=lambda figures: figures["foreign_cpu_percent"])

    @contextlib.contextmanager
    def place(self, phase: Phase, places: dict[str, Path], kept: contextlib.ExitStack) -> Iterator[Path]:
        """A fresh folder, or the one that the workload's earlier phases filled."""
        if phase.folder is None:
            with scratch(self.disk) as folder:
                yield folder
            return
        if phase.folder not in places:
            places[phase.folder] = kept.enter_context(scratch(self.disk))
        yield places[phase.folder]

    def one(self, phase: Phase, run: Run, folder: Path, observe: Observe | None = None) -> Figures:
        """The figures of one phase. `observe` hears the generator's events together with the server."""
        busy, start = Busy(), time.monotonic()
        figures = measured_by_itself(phase, folder) if phase.server is None else loaded(phase, run, folder, observe)
        figures["foreign_cpu_percent"] = busy.foreign_seconds() / (time.monotonic() - start) * 100
        return figures


def loaded(phase: Phase, run: Run, folder: Path, observe: Observe | None) -> Figures:
    fill = borrowed(phase, run)
    with contextlib.ExitStack() as servers:
        server = servers.enter_context(running(phase.server, folder, fill, on_its_core=phase.pinned))
        options = {**phase.load, "urls": server.urls, "pids": server.pids}
        if phase.beside:
            other = running(phase.beside, folder / "beside", fill, on_its_core=phase.pinned)
            options["beside"] = servers.enter_context(other).urls[0]
        before = server.counters()
        hear = (lambda event: observe(server, event)) if observe else (lambda event: None)
        figures = generate(options, hear, on_its_core=phase.pinned)
        counters = {name: value - before.get(name, 0.0) for name, value in server.counters().items()}
        return {**figures, "counters": {name: value for name, value in counters.items() if value}}


def borrowed(phase: Phase, run: Run) -> Figures:
    """Figures of this run that the server's command needs, each from the first subject that has them."""
    found: Figures = {}
    for name, subjects in phase.borrow.items():
        values = [run[subject][name] for subject in subjects if subject in run]
        if not values:
            raise RuntimeError(f"{phase.subject} needs {name} from one of {', '.join(subjects)}: measure that too")
        found[name] = values[0]
    return found


def measured_by_itself(phase: Phase, folder: Path) -> Figures:
    script = BENCH / phase.load["script"]
    command = [sys.executable, str(script), str(folder), *map(str, phase.load["arguments"])]
    env = {**os.environ, "PYTHONPATH": str(BENCH)}
    with pinned(server_core()) if phase.pinned else contextlib.nullcontext():
        # What it says on its way is for whoever waits.
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env)
    return json.loads(answer.stdout)


def judge(claim: Claim, runs: list[Run], quick: bool) -> dict[str, object] | None:
    """The claim with what was measured; None when its subjects were left out. Quick runs prove nothing: no verdict."""
    values = taken(runs, claim.value)
    base = taken(runs, claim.reference) if claim.reference else None
    if values is None or (claim.reference and base is None):
        return None
    judged = [a / b for a, b in zip(values, base, strict=True)] if base else values
    sign, limit = claim.bound
    floors = []
    for floor in claim.floors:
        if under := taken(runs, floor):
            ratios = [a / b for a, b in zip(values, under, strict=True)]
            floors.append({"subject": floor[0], "measured": spread(under), "ratio": spread(ratios)})
    return {
        **asdict(claim),
        "measured": spread(values),
        "judged": spread(judged),
        "base": spread(base) if base else None,
        "floors": floors,
        "met": None if quick else COMPARE[sign](statistics.median(judged), limit),
    }


def taken(runs: list[Run], figure: tuple[str, str]) -> list[float] | None:
    """That figure in every run; None when the subject was not measured."""
    subject, name = figure
    values = [run[subject][name] for run in runs if subject in run]
    if not values:
        return None
    if any(value is None for value in values):
        raise RuntimeError(f"{subject} has no {name}: nothing was delivered in that run, so there is nothing to time")
    return values


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def brief(figures: Figures) -> str:
    numbers = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    words = [f"{name}={value:,.0f}" if abs(value) >= 100 else f"{name}={value:.3g}" for name, value in numbers.items()]
    return " ".join([*words, *(f"{figures[name]}" for name in ("first_error",) if figures.get(name))])
