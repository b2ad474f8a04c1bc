"""Skipped tests are listed with their remedy, and are failures when skips are strict."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

SUITE = """
import pytest

def test_passes():
    pass

@pytest.mark.skipif(True, reason="needs a moon: install one")
def test_marked():
    pass

@pytest.fixture
def moon():
    pytest.skip("needs a moon: install one")

def test_fixture(moon):
    pass

@pytest.mark.xfail(strict=True)
def test_expected_failure():
    raise ValueError
"""

MODULE = "import pytest\npytest.skip('needs a sun: light it', allow_module_level=True)\n"


def run_suite(folder: Path, *options: str, strict: str = "") -> tuple[int, str]:
    """Run a small suite under our conftest; gives exit code and output."""
    shutil.copy(CONFTEST, folder)
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "test_module.py").write_text(MODULE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        str(folder),
        *options,
    ]
    environ = {**os.environ, "REACTOR_TEST_STRICT": strict, "COLUMNS": "200", "PYTHONPATH": str(CONFTEST.parents[1])}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_skips_are_listed_with_their_remedy(tmp_path: Path) -> None:
    code, output = run_suite(tmp_path)
    assert code == 0
    assert "skipped, and how to enable it" in output
    assert "2 x needs a moon: install one (test_suite.py)" in output
    assert "1 x needs a sun: light it (test_module.py)" in output
    assert "1 passed, 3 skipped, 1 xfailed" in output.splitlines()[-1]


@pytest.mark.parametrize(("options", "strict"), [(["--strict-skips"], ""), ([], "1")])
def test_strict_skips_fail(tmp_path: Path, options: list[str], strict: str) -> None:
    code, output = run_suite(tmp_path, "--continue-on-collection-errors", *options, strict=strict)
    assert code == 1
    assert "skips are failures here: needs a moon: install one" in output
    assert "skips are failures here: needs a sun: light it" in output
    assert "skipped" not in output.splitlines()[-1]


def test_strict_without_skips_passes(tmp_path: Path) -> None:
    code, output = run_suite(tmp_path, "-k", "passes", "--ignore", str(tmp_path / "test_module.py"), strict="1")
    assert code == 0
    assert "1 passed" in output.splitlines()[-1]


ELSEWHERE = """
import pytest

@pytest.mark.stores("sqlite", because="reads the file")
def test_marked():
    pass

@pytest.mark.parametrize("kept", ["sqlite", "memory"])
def test_chosen(kept):
    pass

def test_asks(postgres_url):
    pass

@pytest.mark.stores("sqlite", "shared", because="reads the file")
def test_meant():
    pass
"""


def test_what_another_store_passes_over_is_listed_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "test_elsewhere.py").write_text(ELSEWHERE)
    code, output = run_suite(tmp_path, "--store", "shared", "--ignore", str(tmp_path / "test_module.py"), strict="1")
    assert code == 1, "the other skips are failures as ever"
    assert "passed over, for they run on SQLite" in output
    assert "1 x not on this store: reads the file (test_elsewhere.py)" in output
    assert "2 x not on this store: chooses its store itself (test_elsewhere.py)" in output
    counts = output.splitlines()[-1]
    assert "3 skipped" in counts
    assert "3 passed" in counts


def test_sqlite_passes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_elsewhere.py").write_text(ELSEWHERE)
    _, output = run_suite(tmp_path, "--store", "sqlite", "-k", "marked or chosen or meant")
    assert "passed over" not in output
    assert "4 passed" in output.splitlines()[-1]
