"""The folder of generated files."""

import os
from pathlib import Path

import pytest

from reactor.codegen.files import stale, write
from reactor.errors import LoadError


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "functions" / "_generated"
    assert write(folder, {"a": "1\n", "b": "é"}) == ["a", "b"]
    os.utime(folder / "a", ns=(1, 1))
    assert write(folder, {"a": "1\n", "b": "3"}) == ["b"]
    assert (folder / "a").stat().st_mtime_ns == 1
    assert (folder / "b").read_text() == "3"
    assert sorted(file.name for file in folder.iterdir()) == ["a", "b"]


def test_looking_changes_nothing(tmp_path: Path) -> None:
    assert stale(tmp_path / "none", {"a": "1"}) == ["a"]
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LoadError, match=r"Generated types cannot be kept in .*file"):
        write(tmp_path / "file", {"a": "1"})
