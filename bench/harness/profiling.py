"""Where the server's time goes under a workload: py-spy samples it while the load that counts is running."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from harness.machine import generator_core, pinned
from harness.measure import Bench, brief
from harness.plan import WORKLOADS
from harness.servers import OUT, Running
from harness.workload import Phase

__all__ = ["Sampler", "hottest", "profile"]

SUFFIX = {"speedscope": "speedscope.json", "flamegraph": "svg", "raw": "txt"}


@dataclass
class Sampler:
    """Starts py-spy when the measurement begins and ends it with the measurement."""

    file: Path
    form: str
    rate: int
    process: subprocess.Popen[bytes] | None = None

    def observe(self, server: Running, event: str) -> None:
        if event == "measuring":
            pid = str(server.pids[0])
            command = [pyspy(), "record", "--pid", pid, "--output", str(self.file), "--format", self.form]
            # The sampler runs beside the generator: on the server's core it would slow what it looks at even more.
            with pinned(generator_core()):
                self.process = subprocess.Popen([*command, "--rate", str(self.rate), "--duration", "3600"])
        elif event == "measured" and self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()


def pyspy() -> str:
    beside = Path(sys.executable).parent / "py-spy"
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise SystemExit("profiling needs py-spy: .venv/bin/pip install py-spy")
    return found


def profile(bench: Bench, name: str, form: str, rate: int) -> Path:
    """Profile the server in one phase of a workload; phases that prepare its data run before it.

    Returns the file: for speedscope.app, a flame graph in SVG, or folded stacks.
    """
    phases = bench.phases(name)
    chosen = choose(bench, name, phases)
    pyspy()
    words = "".join(c if c.isalnum() else "-" for c in chosen.subject.replace(",", ""))
    OUT.mkdir(parents=True, exist_ok=True)
    sampler = Sampler(OUT / f"{name}-{words}.{SUFFIX[form]}", form, rate)
    places: dict[str, Path] = {}
    with contextlib.ExitStack() as kept:
        for phase in [p for p in phases if p.once and p.folder == chosen.folder] + [chosen]:
            with bench.place(phase, places, kept) as folder:
                figures = bench.one(phase, {}, folder, sampler.observe if phase is chosen else None)
            bench.say(f"{phase.subject}: {brief(figures)}")
    return sampler.file


def choose(bench: Bench, name: str, phases: list[Phase]) -> Phase:
    """The workload's own choice among Reactor's phases, or the last of those that --only names."""
    measured = [phase for phase in phases if phase.server and not phase.once and not phase.borrow]
    if phases and not any(phase.server for phase in phases):
        program = phases[0].load["script"]
        raise SystemExit(f"{name} has no server; sample its program: py-spy record -- python bench/{program} …")
    if bench.only is None:
        reactors = [phase for phase in measured if phase.subject.startswith(f"reactor {bench.settings.ws[0]}")]
        return reactors[WORKLOADS[name].profiled]
    if not measured:
        raise SystemExit(f"no phase of {name} has a name with {' or '.join(bench.only)} in it")
    return measured[-1]


def hottest(file: Path, count: int = 30) -> str:
    """The functions of a speedscope file by their own share of the samples, with what they include beside it."""
    recorded = json.loads(file.read_text())
    frames = recorded["shared"]["frames"]
    names = [f"{frame['name']}  {Path(frame.get('file') or '').name}" for frame in frames]
    own, within, total = Counter[str](), Counter[str](), 0.0
    for thread in recorded["profiles"]:
        for stack, weight in zip(thread["samples"], thread["weights"], strict=True):
            total += weight
            own[names[stack[-1]]] += weight
            within.update(dict.fromkeys({names[frame] for frame in stack}, weight))
    lines = [f"{own[name] / total:6.1%} {within[name] / total:6.1%}  {name}" for name, _ in own.most_common(count)]
    return "\n".join(["   own  incl.", *lines])
