"""The load generator: a process of Node or Python, as a rule on its own core, told what to do by one JSON argument."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable

from harness.machine import generator_core, pinned
from harness.servers import BENCH

__all__ = ["generate", "install"]

MAIN = BENCH / "generator" / "main.mjs"
ARRIVALS = BENCH / "generator" / "arrivals.py"
PATIENCE_SECONDS = 900


def install() -> None:
    """Fetch the generator's packages (the official client among them) unless the locked ones are there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise SystemExit("the load generator needs Node and npm: install them (Debian: apt-get install nodejs npm)")
    done = BENCH / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < (BENCH / "package-lock.json").stat().st_mtime:
        subprocess.run(["npm", "ci", "--loglevel=error"], cwd=BENCH, check=True)


def generate(
    options: dict[str, object], on_event: Callable[[str], None] = lambda event: None, *, on_its_core: bool = True
) -> dict[str, object]:
    """Run one workload and return its figures. `on_event` hears "measuring" and "measured" as they happen.

    A generator that fails, or takes longer than `PATIENCE_SECONDS`, raises RuntimeError with what it said.
    """
    program = [sys.executable, str(ARRIVALS)] if options["workload"] == "arrivals" else ["node", str(MAIN)]
    command = [*program, json.dumps({**options, "patience": PATIENCE_SECONDS})]
    figures: dict[str, object] | None = None
    with tempfile.TemporaryFile("w+") as complaint:
        with pinned(generator_core()) if on_its_core else contextlib.nullcontext():
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaint, text=True, cwd=BENCH)
        try:
            for line in process.stdout:
                message = json.loads(line)
                on_event(message["event"])
                figures = message.get("figures", figures)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if process.returncode != 0 or figures is None:
            complaint.seek(0)
            raise RuntimeError(f"the generator failed in {options['workload']}:\n{complaint.read()[-3000:]}")
    return figures
