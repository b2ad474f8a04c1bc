"""Nodes of one data folder: that a process has ended is known at once, by its lock."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reactor.errors import StoreError
from reactor.nodes.lives import Lives
from reactor.nodes.membership import Membership
from tests.integration.nodes.group import SILENT, group

LIVE = """
import sys, pathlib
from reactor.nodes.lives import Lives

lives = Lives(pathlib.Path(sys.argv[1]))
lives.begin("other")
print("lives", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_is_dead_at_once(tmp_path: Path) -> None:
    lives = Lives(tmp_path / "nodes")
    assert lives.dead() == set()
    lives.begin("mine")
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE, str(tmp_path / "nodes")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"lives\n"
        assert lives.dead() == set()
        process.kill()
        process.wait()
    assert lives.dead() == {"other"}
    assert Lives(tmp_path / "nodes").dead() == {"other"}, "whoever looks"
    lives.forget("other")
    assert lives.dead() == set()
    lives.end("mine")
    assert list((tmp_path / "nodes").iterdir()) == []


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text("in the way")
    with pytest.raises(StoreError, match="cannot lock files in"):
        Lives(tmp_path / "nodes").begin("mine")
    assert Lives(tmp_path / "nodes").dead() == set()


def die(node: Membership) -> None:
    """What is left of a node when its process is killed."""
    lives = node._lives  # pyright: ignore[reportPrivateUsage]
    assert lives is not None
    for file in lives._own.values():  # pyright: ignore[reportPrivateUsage]
        os.close(file)
    lives._own.clear()  # pyright: ignore[reportPrivateUsage]


async def test_the_next_process_of_a_folder_takes_over_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "nodes"
    async with group(tmp_path) as nodes:
        first, second = await nodes.join(folder=folder), await nodes.join(folder=folder)
        elsewhere = await nodes.join(folder=tmp_path / "another")
        await nodes.turn(first, second, elsewhere, seconds=1)
        assert len(second.nodes) == 3
        die(first)
        await elsewhere.look()
        assert len(elsewhere.nodes) == 3, "of another folder nobody knows"
        again = await nodes.join(folder=folder)
        assert set(again.nodes) == {second.id, elsewhere.id, again.id}
        await second.look()
        assert second.leads
        assert second.departures
        assert {path.name for path in folder.iterdir()} == {second.id, again.id}


async def test_a_new_life_has_a_new_lock(tmp_path: Path) -> None:
    folder = tmp_path / "nodes"
    async with group(tmp_path) as nodes:
        first, second = await nodes.join(folder=folder), await nodes.join(folder=folder)
        await nodes.turn(second, seconds=SILENT * 1.1)
        await first.look()
        await second.look()
        assert {path.name for path in folder.iterdir()} == {first.id, second.id} == set(second.nodes)


async def test_older_code_is_let_in_at_once_when_the_newer_one_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "nodes"
    async with group(tmp_path) as nodes:
        await nodes.join("a", tmp_path / "another")
        die(await nodes.join("b", folder))
        back = nodes.make(folder)
        await back.check("a")
        await back.join("a")
        assert back.version == 3
