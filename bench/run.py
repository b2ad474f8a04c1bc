"""The benchmark's command.

    .venv/bin/python bench/run.py                      all workloads, three runs each (about 40 minutes)
    .venv/bin/python bench/run.py W1 W3 --quick        a smoke test in seconds: proves that it runs, not how fast
    .venv/bin/python bench/run.py profile W3           sample the server under that load
    .venv/bin/python bench/run.py report [FILE...]     rewrite docs/why/speed.md from results

Results are appended to bench/out/results.jsonl. The exit status is 1 when a target was missed by the WebSocket
implementation named first, so that a regression does not pass unseen.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

if not sys.platform.startswith("linux"):
    raise SystemExit("the benchmark needs Linux: it pins processes to cores and reads their memory from /proc")

from harness.generator import install
from harness.measure import Bench
from harness.plan import WORKLOADS
from harness.profiling import SUFFIX, hottest, profile
from harness.report import newest, terminal, write
from harness.servers import OUT
from harness.workload import Settings

__all__ = ["main"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORKLOAD", help=f"{', '.join(WORKLOADS)}; none means all")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes, one run, no verdicts")
    parser.add_argument("--runs", type=int, help="runs of each workload (default 3, quick 1)")
    parser.add_argument(
        "--ws", default="thin,websockets-sansio", help="Reactor's WebSocket implementations, first the main one"
    )
    parser.add_argument(
        "--only", help="measure only servers with one of these words in their name: mock,bare,broadcast"
    )
    parser.add_argument("--tries", type=int, default=1, help="measure a disturbed phase again, up to so many times")
    parser.add_argument("--disk", type=Path, default=OUT, help="folder for the databases; its disk is what is measured")
    parser.add_argument("--out", type=Path, default=OUT / "results.jsonl", help="file that results are appended to")
    parser.add_argument("--format", choices=SUFFIX, default="speedscope", help="what `profile` writes")
    parser.add_argument("--rate", type=int, default=200, help="samples a second of `profile`")
    return parser.parse_args()


def main() -> int:
    # Ended from outside, the servers that run must be stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = arguments()
    if args.words[:1] == ["report"]:
        write(newest(map(Path, args.words[1:] or [args.out])))
        return 0
    profiling = args.words[:1] == ["profile"]
    names = args.words[1:] if profiling else args.words or list(WORKLOADS)
    if unknown := set(names) - set(WORKLOADS):
        raise SystemExit(f"unknown workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    only = tuple(args.only.split(",")) if args.only else None
    bench = Bench(Settings(tuple(args.ws.split(",")), args.quick), args.disk.resolve(), only, args.tries)
    if any(phase.server for name in names for phase in bench.phases(name)):
        install()
    if profiling:
        return profiled(bench, names, args)
    met = [measured(bench, name, args) for name in names]
    return 0 if all(met) else 1


def measured(bench: Bench, name: str, args: argparse.Namespace) -> bool:
    """Measure, print and keep one workload; whether that went well and the main implementation met its targets."""
    try:
        result = bench.measure(name, args.runs or (1 if args.quick else 3))
    except RuntimeError as error:
        print("\n".join([f"{name} could not be measured: {error}", *getattr(error, "__notes__", [])]), flush=True)
        return False
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("a") as file:
        file.write(json.dumps(result) + "\n")
    print(terminal(result), flush=True)
    others = tuple(f"reactor {ws}" for ws in bench.settings.ws[1:])
    return all(claim["met"] is not False for claim in result["claims"] if not claim["value"][0].startswith(others))


def profiled(bench: Bench, names: list[str], args: argparse.Namespace) -> int:
    if not names:
        raise SystemExit(f"name a workload to profile: {', '.join(WORKLOADS)}")
    for name in names:
        file = profile(bench, name, args.format, args.rate)
        if args.format == "speedscope":
            print(hottest(file))
        print(f"wrote {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
