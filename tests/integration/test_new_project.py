"""A newcomer's run: the wheel in a fresh environment, `reactor init`, `reactor dev`, an edit that is seen live."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from convex import ConvexClient

from tests.support.patience import PATIENCE, until
from tests.support.server import REPOSITORY, free_port

pytestmark = pytest.mark.timeout(180)


def run(*words: str | Path, folder: Path) -> str:
    """Run a program to its end, which must be good; what it printed."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}"
    return done.stdout


def environment(home: Path) -> dict[str, str]:
    """As on a machine where nobody has set anything."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    # A build writes beside what it builds.
    for name in ("pyproject.toml", "README.md", "reactor"):
        subprocess.run(["cp", "-r", REPOSITORY / name, source], check=True)
    build = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(source))
    run(sys.executable, *build, folder=folder)
    return next(folder.glob("reactor-*.whl"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel; the packages that it needs are those of this one."""
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(*pip, "install", "--no-index", "--no-deps", wheel, folder=folder)
    site = next((folder / "lib").glob("python*")) / "site-packages"
    # Behind its own: what is installed here as an editable reactor is not found through this.
    (site / "needs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


@pytest.fixture
def project(programs: Path, tmp_path: Path) -> Path:
    run(programs / "reactor", "init", "chat", folder=tmp_path)
    return tmp_path / "chat"


@pytest.fixture
def address(programs: Path, project: Path) -> Iterator[str]:
    """`reactor dev` in the project."""
    url = f"http://127.0.0.1:{free_port()}"
    words = [programs / "reactor", "dev", "--port", url.rpartition(":")[2], "--site-port", "0"]
    with (project.parent / "dev.log").open("wb") as log:
        server = subprocess.Popen(words, cwd=project, env=environment(project.parent), stdout=log, stderr=log)
    try:
        until(lambda: answers(url) or server.poll() is not None, "an answer of the server")
        assert server.poll() is None, (project.parent / "dev.log").read_text()
        yield url
    finally:
        server.terminate()
        assert server.wait(PATIENCE) == 0


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def until_shown(lists: Any, wanted: list[str]) -> None:
    """Take results until one has these texts; the client may give the same one twice."""
    while [message["text"] for message in next(lists)] != wanted:
        pass


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return response.read().decode()


def test_what_is_installed_comes_from_the_wheel(programs: Path, tmp_path: Path):
    where = run(programs / "python", "-c", "import reactor; print(reactor.__file__)", folder=tmp_path).strip()
    assert Path(where).is_relative_to(programs.parent)


def test_the_tests_of_a_new_project_pass(programs: Path, project: Path):
    assert "4 passed" in run(programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=project)


def test_a_change_of_a_function_is_seen_by_who_watches(address: str, project: Path):
    client = ConvexClient(address)
    lists = client.subscribe("messages:newest", {"channel": "general"})
    until_shown(lists, [])
    client.mutation("messages:send", {"channel": "general", "author": "Ada", "text": "first"})
    until_shown(lists, ["first"])
    client.mutation("messages:sendLater", {"channel": "general", "author": "Ada", "text": "second"})
    until_shown(lists, ["first", "second"])
    # What the project's README tells to try.
    module = project / "functions" / "messages.py"
    assert module.read_text().count("return messages[::-1]") == 1
    module.write_text(module.read_text().replace("return messages[::-1]", "return messages"))
    until_shown(lists, ["second", "first"])


def test_the_page_is_served_at_the_root_with_all_that_it_names(address: str):
    front = page(address)
    assert "<title>chat</title>" in front
    assert "text/javascript" in headers(f"{address}/main.js")
    assert "export class Live" in page(f"{address}/live.js")
    assert "text/css" in headers(f"{address}/style.css")
    assert "image/svg+xml" in headers(f"{address}/icon.svg")
    assert "http://" not in front
    assert "https://" not in front


def headers(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return response.headers["content-type"]


def test_the_project_can_be_installed_as_it_says(project: Path):
    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    own = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert declared["dependencies"] == [f"{own['name']}>={own['version']}"]
    assert declared["requires-python"] == own["requires-python"]
