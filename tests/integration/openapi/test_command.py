"""`reactor openapi`, as it is typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import APPS

REACTOR = Path(sys.executable).parent / "reactor"


def reactor(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([REACTOR, "openapi", *arguments], cwd=cwd, capture_output=True, text=True)


def test_it_prints_the_description(tmp_path: Path):
    done = reactor(APPS / "shapes", "--server", "https://api.example.org", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    description = json.loads(done.stdout)
    assert description["servers"] == [{"url": "https://api.example.org"}]
    assert "/api/run/deep/things/add" in description["paths"]
    assert "/api/run/deep/things/forget" not in description["paths"]
    assert list(tmp_path.iterdir()) == []


def test_it_writes_a_file_and_tells_whether_it_is_up_to_date(tmp_path: Path):
    out = tmp_path / "api.json"
    assert reactor(APPS / "shapes", "--out", out, "--check", cwd=tmp_path).returncode == 1
    assert not out.exists()
    assert reactor(APPS / "shapes", "--out", out, cwd=tmp_path).stdout == f"wrote {out}\n"
    assert reactor(APPS / "shapes", "--out", out, "--check", cwd=tmp_path).stdout == "up to date\n"
    stale = reactor(APPS / "shapes", "--internal", "--out", out, "--check", cwd=tmp_path)
    assert stale.returncode == 1
    assert f"Run `reactor openapi --out {out}`" in stale.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--check"], 2, "name it by --out"),
        (["--out", "no/such/folder.json"], 1, "cannot be written"),
        (["--set", "no_such_setting=1"], 1, "no_such_setting"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, arguments: list[str], code: int, told: str):
    done = reactor(APPS / "shapes", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_application_that_cannot_be_loaded_leaves_the_file_as_it_was(tmp_path: Path):
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "broken.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "api.json").write_text("before")
    done = reactor("--out", "api.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing_of_this_name" in done.stderr
    assert (tmp_path / "api.json").read_text() == "before"
