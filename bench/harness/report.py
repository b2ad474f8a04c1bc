"""Results as text: for the terminal, and as the tables of docs/why/speed.md."""

import json
import statistics
from collections.abc import Iterable
from pathlib import Path

from harness.machine import DISTURBED_PERCENT, ROOT

__all__ = ["newest", "terminal", "write"]

PAGE = ROOT / "docs" / "why" / "speed.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

# A median of fewer says nothing of the spread.
LEAST_RUNS = 3

INTRODUCTION = f"""# How fast it is

The tables below are written by `bench/run.py report` from what `make bench` measured; nothing in them is typed by hand.
Every ratio is taken against a floor that was measured in the same run: a mock that does the least a Python server can
do for the protocol, a bare WebSocket broadcast of the same bytes, a bare SQLite insert with the same durability.
`bench/README.md` tells what each workload does and how to run it.

{BEGIN}
{END}
"""

Result = dict
Spread = dict[str, float]


def newest(files: Iterable[Path]) -> list[Result]:
    """The last full result of every workload: not quick, of enough runs for a median, with Reactor in it."""
    found: dict[str, Result] = {}
    for file in files:
        for line in file.read_text().splitlines():
            result = json.loads(line)
            if not result["quick"] and result["claims"] and len(result["runs"]) >= LEAST_RUNS:
                found[result["workload"]] = result
    return list(found.values())


def terminal(result: Result) -> str:
    """What a person who waits for the result wants to see."""
    lines = [f"{result['workload']}: {result['title']}"]
    for claim in result["claims"]:
        lines.append(f"  {verdict(claim):7} {claim['what']}: {outcome(claim)}, wanted {target(claim)}")
        lines += [f"            {ratio(floor)}" for floor in claim["floors"]]
    if not result["claims"]:
        lines += [f"  {subject}: {summary(result, subject)}" for subject in result["runs"][0]]
    if result["quick"]:
        lines.append("  quick: smaller than its names say, and too short to judge by")
    return "\n".join([*lines, *(f"  {note}" for note in disturbance(result))])


def write(results: list[Result], page: Path = PAGE) -> None:
    """Rewrite the part of the page between its marks; the page is made when there is none.

    Raises ValueError when there is nothing measured to write, or when the page has lost its marks.
    """
    if not results:
        raise ValueError("no full result to report: run `make bench` first (quick runs and fewer than 3 do not count)")
    text = page.read_text() if page.exists() else INTRODUCTION
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} … {END}: put the two lines where the tables shall stand")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("".join([before, begin, "\n", tables(results), "\n", end, after]))


def tables(results: list[Result]) -> str:
    parts = ["## Targets", claims_table(results), "## Conditions", conditions_list(results)]
    for result in results:
        parts += [f"## {result['workload']}: {result['title']}", subjects_table(result)]
    return "\n\n".join(parts)


def claims_table(results: list[Result]) -> str:
    head = [
        "workload",
        "what",
        "target",
        "measured: median (min..max)",
        "ratio to the floors of the same run",
        "verdict",
    ]
    rows = []
    for result in results:
        for claim in result["claims"]:
            floors = "<br>".join(map(ratio, claim["floors"]))
            rows.append([result["workload"], claim["what"], target(claim), outcome(claim), floors, verdict(claim)])
    return table(head, rows)


def subjects_table(result: Result) -> str:
    """Everything that met the load, Reactor and floors alike."""
    subjects = list(result["runs"][0])
    shown = result["shown"]
    rows = [[subject, *(cell(result, subject, name) for name in shown)] for subject in subjects]
    return table(["", *(name.replace("_", " ") for name in shown)], rows)


def conditions_list(results: list[Result]) -> str:
    """Said once where all workloads agree, else by workload."""
    lines = []
    named = {result["workload"]: flat(result) for result in results}
    for name in dict.fromkeys(key for conditions in named.values() for key in conditions):
        values = {workload: conditions.get(name, "") for workload, conditions in named.items()}
        said = set(values.values())
        text = said.pop() if len(said) == 1 else "; ".join(f"{k}: {v}" for k, v in values.items())
        lines.append(f"- {name}: {text}")
    lines += [f"- {result['workload']}: {note}" for result in results for note in disturbance(result)]
    return "\n".join(lines)


def flat(result: Result) -> dict[str, str]:
    seen = result["conditions"]
    versions = [f"Python {seen['python']}", f"SQLite {seen['sqlite']}", f"Node {seen['node']}"]
    versions += [f"{name} {version}" for name, version in {**seen["parts"], **seen["npm"]}.items()]
    return {
        "CPU": f"{seen['cpu']}, {seen['cores']} cores, {seen['memory_gib']} GiB; {seen['pinned']}",
        "Kernel": f"{seen['kernel']}, database on {seen['filesystem']}",
        "Versions": ", ".join(versions),
        "Runs": f"{len(result['runs'])}, medians with min..max",
        "Date": result["at"][:10],
        "Commit": seen["commit"],
    }


def disturbance(result: Result) -> list[str]:
    """A word of warning when other processes took part of the two cores."""
    worst = max(figures["foreign_cpu_percent"] for run in result["runs"] for figures in run.values())
    if worst < DISTURBED_PERCENT:
        return []
    return [f"disturbed: other processes took up to {worst:.0f} % of a core in a phase; measure on a quiet machine"]


def summary(result: Result, subject: str) -> str:
    cells = ((name, cell(result, subject, name)) for name in result["shown"])
    return ", ".join(f"{name} {text}" for name, text in cells if text)


def cell(result: Result, subject: str, name: str) -> str:
    values = [run[subject].get(name) for run in result["runs"]]
    if any(value is None for value in values):
        return ""
    return amount({"median": statistics.median(values), "min": min(values), "max": max(values)}, "")


def target(claim: dict) -> str:
    sign, limit = claim["bound"]
    sign = {"<=": "≤", ">=": "≥", "==": "="}[sign]
    if claim["reference"] is None:
        return f"{sign} {limit:,} {claim['unit']}".strip()
    return f"{sign} {limit} times {claim['reference'][0]}"


def outcome(claim: dict) -> str:
    measured = amount(claim["measured"], claim["unit"])
    return measured if claim["reference"] is None else f"{amount(claim['judged'], 'times')}, {measured}"


def ratio(floor: dict) -> str:
    return f"{number(floor['ratio']['median'])} times {floor['subject']} ({number(floor['measured']['median'])})"


def verdict(claim: dict) -> str:
    return {True: "met", False: "MISSED", None: "-"}[claim["met"]]


def amount(spread: Spread, unit: str) -> str:
    middle, low, high = (number(spread[key]) for key in ("median", "min", "max"))
    text = middle if low == high else f"{middle} ({low}..{high})"
    return f"{text} {unit}".strip()


def number(value: float) -> str:
    """Three figures are what such measurements carry."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
