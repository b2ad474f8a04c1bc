"""What the documents show is true: it is typed in, run, and compared."""

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES, Block, anchors, blocks, commands, files, links, matches
from tests.docs.stage import README, Stage, new_project
from tests.support.server import REPOSITORY

SHELL = {"console", "python"}
NODE = {"js", "jsx"}
SERVED_BY = {"docs/how-to/deploy.md": "start"}
MARKS = {"run", "watch", "background", "page", "printed"}


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def showing(languages: set[str]) -> list[Path]:
    """Pages with something to run in these languages; the reference of the command shows a session with `| jq`."""
    pages = [page for page in PAGES if page.name != "commands.md"]
    return [page for page in pages if any(b.language in languages and runs(b) for b in blocks(page))]


def runs(block: Block) -> bool:
    return block.language == "console" or block.mark in MARKS - {"printed"}


def played(page: Path) -> Any:
    """A page as a parameter: one that names the SQLite file can be played with that alone."""
    marks = pytest.mark.stores("sqlite", "shared", because="copies the SQLite file")
    return pytest.param(page, marks=[marks] if "reactor.db?" in page.read_text(encoding="utf-8") else [])


@pytest.mark.parametrize("page", [played(page) for page in showing(SHELL)], ids=name_of)
def test_what_is_typed_on_a_page_does_what_it_says(page: Path, tmp_path: Path):
    with Stage(page, tmp_path, SERVED_BY.get(name_of(page), "dev")) as stage:
        stage.play(SHELL)


@pytest.mark.parametrize("page", showing(NODE), ids=name_of)
def test_what_is_written_in_javascript_runs(page: Path, tmp_path: Path):
    with Stage(page, tmp_path, "dev") as stage:
        stage.use_node()
        stage.play(NODE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_marks_of_blocks_are_known_and_python_is_python(page: Path):
    for block in blocks(page):
        assert block.mark in MARKS | {""}, f"{block.place}: {block.mark!r} is no mark"
        if block.language == "python":
            ast.parse(block.text, block.place)


def test_the_readme_shows_the_functions_that_a_new_project_has():
    shown, project = files(README), new_project()
    assert shown.keys() == {"functions/messages.py"}
    for path, text in shown.items():
        assert text.partition("\n")[2] in project[path]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_a_file_and_a_heading(page: Path):
    for target, anchor in links(page):
        assert target.exists(), f"{page}: {target} is not there"
        assert not anchor or anchor in anchors(target), f"{page}: no heading #{anchor} in {target}"


def test_the_index_has_every_page():
    index = REPOSITORY / "docs" / "README.md"
    listed = {target for target, _ in links(index)}
    assert [name_of(page) for page in PAGES if page not in listed | {index}] == []


def test_output_is_compared_without_spaces_and_with_gaps():
    assert matches('{"id": "…", "n": 1}', '{"id":"j57","n":1}\n')
    assert matches("[]\n[\n1", "[]\n[1]\n[2]\n", whole=False)
    assert not matches("[]", "[1]")
    assert not matches("[]", "[]\nerror")


def test_a_command_may_go_on_in_the_next_line():
    block = Block("console", "", "$ curl x \\\n  -d y\nanswer\n$ ls\n", "here")
    assert [(command.line, command.output) for command in commands(block)] == [
        ("curl x \\\n  -d y", "answer\n"),
        ("ls", ""),
    ]
