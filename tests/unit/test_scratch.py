"""The choice of the place where tests keep their files."""

from pathlib import Path

import pytest

from tests.support.scratch import in_memory

GIBIBYTE = 1024**3


def meminfo(folder: Path, gibibytes: int) -> Path:
    (folder / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {gibibytes * GIBIBYTE // 1024} kB\n")
    return folder / "meminfo"


def test_no_folder_no_memory(tmp_path: Path):
    assert in_memory(tmp_path / "none", meminfo=meminfo(tmp_path, 100)) is None


def test_a_system_that_does_not_tell_of_its_memory(tmp_path: Path):
    assert in_memory(tmp_path, meminfo=tmp_path / "none") is None


@pytest.mark.parametrize("gibibytes", [0, 7])
def test_memory_that_others_need_is_left_alone(tmp_path: Path, gibibytes: int):
    assert in_memory(tmp_path, meminfo=meminfo(tmp_path, gibibytes)) is None


def test_a_file_system_without_room_is_left_alone(tmp_path: Path):
    assert in_memory(tmp_path, meminfo=meminfo(tmp_path, 10**9), room=2**60) is None


def test_a_folder_with_room_is_taken(tmp_path: Path):
    assert in_memory(tmp_path, meminfo=meminfo(tmp_path, 100), room=1) == tmp_path
