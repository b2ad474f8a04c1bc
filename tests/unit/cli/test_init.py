"""`reactor init`: which files it makes, that it never writes over any, and what it says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from reactor.cli.project_template import Template, project_name
from tests.unit.cli.recording import Reactor

COMMON = {
    ".gitignore",
    "README.md",
    "functions/messages.py",
    "pyproject.toml",
    "schema.py",
    "tests/test_messages.py",
    "web/index.html",
    "web/style.css",
}
TYPES = {f"functions/_generated/{name}" for name in ("api.py", "api.pyi", "data_model.py", "server.py", "server.pyi")}
OWN = {
    "minimal": {"web/icon.svg", "web/live.js", "web/main.js"},
    "react": {
        "functions/_generated/api.d.ts",
        "functions/_generated/api.js",
        "functions/_generated/dataModel.d.ts",
        "functions/_generated/server.d.ts",
        "package.json",
        "tsconfig.json",
        "vite.config.ts",
        "web/chat.tsx",
        "web/failure.tsx",
        "web/main.tsx",
        "web/public/icon.svg",
    },
}


def made(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["minimal", "react"])
def test_a_project_is_made_whole_in_a_new_folder(reactor: Reactor, here: Path, kind: str) -> None:
    result = reactor("init", "deep/chat", "--template", kind)
    assert result.exit_code == 0, result.output
    assert made(here / "deep" / "chat") == COMMON | TYPES | OWN[kind]
    assert "cd deep/chat\n  reactor dev\n" in result.stdout
    assert ("npm install" in result.stdout) == (kind == "react")


def test_the_first_template_is_the_minimal_one(reactor: Reactor, here: Path) -> None:
    assert reactor("init", "chat").exit_code == 0
    assert made(here / "chat") == COMMON | TYPES | OWN["minimal"]


def test_in_the_current_folder_nobody_is_told_to_enter_it(reactor: Reactor, here: Path) -> None:
    result = reactor("init")
    assert result.exit_code == 0
    assert "cd " not in result.stdout
    assert made(here) == COMMON | TYPES | OWN["minimal"]


def test_a_folder_with_a_blank_is_quoted(reactor: Reactor, here: Path) -> None:
    assert "cd 'my chat'\n" in reactor("init", "my chat").stdout


def test_what_is_not_in_the_way_stays(reactor: Reactor, here: Path) -> None:
    (here / "notes.txt").write_text("mine")
    (here / "functions").mkdir()
    (here / "functions" / "other.py").write_text("MINE = True")
    assert reactor("init").exit_code == 0
    assert (here / "notes.txt").read_text() == "mine"
    assert (here / "functions" / "other.py").read_text() == "MINE = True"
    assert "mine" not in (here / "functions" / "_generated" / "data_model.py").read_text()


def test_functions_that_cannot_be_loaded_keep_nobody_from_beginning(reactor: Reactor, here: Path) -> None:
    (here / "functions").mkdir()
    (here / "functions" / "other.py").write_text("mine")
    result = reactor("init")
    assert (result.exit_code, made(here) >= COMMON | OWN["minimal"]) == (0, True)
    assert "error: The types of its functions were not written: " in result.stderr
    assert "name 'mine' is not defined" in result.stderr
    assert "\nRepair that and run `reactor codegen`." in result.stderr


def test_files_in_the_way_are_named_and_nothing_is_written(reactor: Reactor, here: Path) -> None:
    (here / "README.md").write_text("mine")
    (here / "web").mkdir()
    (here / "web" / "index.html").write_text("mine")
    result = reactor("init")
    assert result.exit_code == 1
    assert "\n  README.md\n  web/index.html\n\nNothing was written." in result.stderr
    assert made(here) == {"README.md", "web/index.html"}
    assert (here / "README.md").read_text() == "mine"


def test_of_many_files_in_the_way_some_are_named(reactor: Reactor, here: Path) -> None:
    reactor("init", "--template", "react")
    assert "\n  and 5 more\n" in reactor("init", "--template", "react").stderr


def test_a_file_where_a_folder_is_needed_is_in_the_way(reactor: Reactor, here: Path) -> None:
    (here / "functions").write_text("mine")
    result = reactor("init")
    assert (result.exit_code, made(here)) == (1, {"functions"})
    assert "\n  functions\n" in result.stderr


def test_a_file_instead_of_the_folder_is_in_the_way(reactor: Reactor, here: Path) -> None:
    (here / "chat").write_text("mine")
    assert reactor("init", "chat").exit_code == 1
    assert (here / "chat").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(reactor: Reactor, here: Path) -> None:
    (here / "schema.py").symlink_to(here / "elsewhere.py")
    result = reactor("init")
    assert (result.exit_code, made(here)) == (1, set())
    assert "\n  schema.py\n" in result.stderr


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(reactor: Reactor, here: Path) -> None:
    (here / "file").write_text("")
    result = reactor("init", "file/chat")
    assert result.exit_code == 1
    assert "Name another folder" in result.stderr


def test_an_unknown_template_is_refused_with_those_that_there_are(reactor: Reactor, here: Path) -> None:
    result = reactor("init", "chat", "--template", "vue")
    assert result.exit_code == 2
    assert "'minimal'" in result.stderr
    assert "'react'" in result.stderr
    assert made(here) == set()


@pytest.mark.parametrize("folder", ["chat", "Mein Chat", "a&b<c>\"d'", "été", "...", "日本", "x" * 200, "{curly}"])
@pytest.mark.parametrize("kind", ["minimal", "react"])
def test_names_of_all_kinds_of_folders_fit_everywhere(kind: str, folder: str) -> None:
    files = Template.read(kind, project_name(Path("/srv") / folder)).files
    package = tomllib.loads(files["pyproject.toml"])["project"]["name"]
    assert package.replace("-", "").isalnum()
    assert package.isascii()
    if kind == "react":
        assert json.loads(files["package.json"])["name"] == package
    compile(files["schema.py"], "schema.py", "exec")
    title = files["web/index.html"].partition("<title>")[2].partition("</title>")[0]
    assert title.strip()
    assert set(title).isdisjoint("&<>\"'{}")
    assert not any("@name@" in text or "@package@" in text or "@version@" in text for text in files.values())


def test_the_root_of_a_disk_gives_a_name_too() -> None:
    assert project_name(Path("/")) == "chat"
