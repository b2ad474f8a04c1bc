"""The machine a measurement ran on: cores to pin to, and the conditions that a figure means nothing without."""

import contextlib
import os
import platform
import re
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

__all__ = ["DISTURBED_PERCENT", "Busy", "conditions", "generator_core", "pinned", "server_core"]

ROOT = Path(__file__).resolve().parents[2]
PYTHON_PARTS = ("uvicorn", "uvloop", "httptools", "websockets", "msgspec", "aiosqlite", "starlette", "picows")
NODE_PARTS = ("convex", "ws", "undici")
# More than this much of a core taken by others, and a figure says something about them too.
DISTURBED_PERCENT = 10
CORES = sorted(os.sched_getaffinity(0))


def server_core() -> int:
    return int(os.environ.get("SERVER_CORE", CORES[0]))


def generator_core() -> int:
    """With a single core the two share it, and every figure is worse for it; `conditions` tells."""
    return int(os.environ.get("GENERATOR_CORE", CORES[1] if len(CORES) > 1 else CORES[0]))


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started within runs on this core: children inherit the affinity."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Busy:
    """CPU time of the two cores that neither we nor our ended children used: a measure of how disturbed a run was."""

    def __init__(self) -> None:
        self.machine, self.stolen, self.ours = *self._machine(), self._ours()

    @staticmethod
    def _machine() -> tuple[float, float]:
        """Seconds that the cores were not idle (stolen time included), and that the hypervisor kept them from us."""
        ticks, busy, stolen = os.sysconf("SC_CLK_TCK"), 0, 0
        for line in Path("/proc/stat").read_text().splitlines():
            name, *fields = line.split()
            if name in {f"cpu{server_core()}", f"cpu{generator_core()}"}:
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
                busy += user + nice + system + irq + softirq + steal
                stolen += steal
        return busy / ticks, stolen / ticks

    @staticmethod
    def _ours() -> float:
        used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in used)

    def foreign_seconds(self) -> float:
        """CPU seconds that others have used since; softirq work for our own sockets is counted in, so never quite 0."""
        return max(0.0, self._machine()[0] - self.machine - (self._ours() - self.ours))


def conditions(folder: Path) -> dict[str, object]:
    """All that a reader needs to judge a figure, or to measure it again. `folder` is where the databases lie."""
    node = ROOT / "bench" / "node_modules"
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "pinned": f"server to core {server_core()}, generator to core {generator_core()}",
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "filesystem": _filesystem(folder),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "node": _output("node", "--version").removeprefix("v") if shutil.which("node") else "none",
        "parts": {name: metadata.version(name) for name in PYTHON_PARTS if _installed(name)},
        "npm": {name: _npm_version(node / name) for name in NODE_PARTS if (node / name).is_dir()},
        "commit": _commit(),
    }


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _filesystem(folder: Path) -> str:
    """The kind of file system: on tmpfs an fsync costs nothing and writes look faster than they are."""
    return _output("stat", "--file-system", "--format=%T", str(folder))


def _installed(name: str) -> bool:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return bool(metadata.version(name))
    return False


def _npm_version(folder: Path) -> str:
    found = re.search(r'"version":\s*"([^"]+)"', (folder / "package.json").read_text())
    return found.group(1) if found else "unknown"


def _commit() -> str:
    """The commit measured; "+" after it means that the work tree differed from it."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return "unknown"
    head = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    if head.returncode != 0:
        return "before the first commit"
    changed = _output("git", "-C", str(ROOT), "status", "--porcelain")
    return head.stdout.strip() + ("+" if changed else "")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
