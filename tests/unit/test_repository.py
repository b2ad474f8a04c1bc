"""The files of the repository: nothing of one machine in them, and locks that install the same everywhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Written so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.*}])/(?:work|root|home|Users|farm)/[\w.]")
REGISTRY = re.compile(r"\b(?:pypi|npmjs|yarnpkg|pythonhosted|crates|golang|debian)\.(?:org|com|io)\b")
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NPM_LOCKS = ["tests/clients/package-lock.json", "bench/package-lock.json"]


@cache
def texts() -> dict[str, str]:
    """Every text file that is, or is about to be, in the repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git clone: install git, and run the tests in a clone")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found: dict[str, str] = {}
    for name in filter(None, names):
        path = ROOT / name
        raw = path.read_bytes() if path.is_file() else b""
        if b"\0" not in raw:
            found[name] = raw.decode("utf-8", "replace")
    return found


def places(pattern: re.Pattern[str]) -> list[str]:
    """Where the pattern stands: `file:line: text`."""
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts().items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_path_of_a_machine_stands_in_a_file() -> None:
    assert places(MACHINE_PATH) == []


def test_no_address_of_a_registry_stands_in_a_file() -> None:
    assert places(REGISTRY) == []


@pytest.mark.parametrize("text", ["{}work/main", "cd {}root/x", "'{}home/ann/x'", "file://{}home/ann"])
def test_a_path_of_a_machine_is_recognised(text: str) -> None:
    assert MACHINE_PATH.search(text.format("/"))


@pytest.mark.parametrize("text", ["docs/work/plan", "{base}/home/page", "a/root/b", "/workshop", "reactor/home.py"])
def test_other_paths_are_left_alone(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def pins(lock: Path) -> dict[str, str]:
    """Version by package of a lock."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_line_of_a_lock_has_one_version_and_its_hashes(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "-e " not in text
    blocks = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    assert len(blocks) == len(pins(lock)) > 0
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_locks_agree_on_versions() -> None:
    assert {lock.stem for lock in LOCKS} == {"check", "dev", "node", "test"}
    widest = pins(ROOT / "requirements" / "check.txt")
    for lock in LOCKS:
        if lock.stem != "node":
            assert pins(lock).items() <= widest.items()


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    declared = {
        "dev": project["project"]["dependencies"] + groups["build"],
        "test": groups["test"],
        "check": groups["check"],
        "node": groups["node"],
    }
    for lock, requirements in declared.items():
        names = {re.match(r"[\w.-]+", text)[0].lower() for text in requirements}  # pyright: ignore[reportOptionalSubscript]
        assert names <= pins(ROOT / "requirements" / f"{lock}.txt").keys(), "run: make lock"


@pytest.mark.parametrize("name", NPM_LOCKS)
def test_a_lock_of_npm_has_hashes_and_no_addresses(name: str) -> None:
    packages = json.loads((ROOT / name).read_text())["packages"]
    for path, package in packages.items():
        assert "resolved" not in package, path
        assert not path or "integrity" in package, path


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name, text in texts().items()
        if name.endswith(".md")
        for target in re.findall(r"\]\(([^)#\s]+)", text)
        if "://" not in target and not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert broken == []
