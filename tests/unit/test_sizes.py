"""The script behind `make check` that holds the sizes of files and functions."""

from __future__ import annotations

from pathlib import Path

from tools.check_sizes import long_files, long_functions


def test_a_file_of_500_lines_is_the_longest(tmp_path: Path) -> None:
    (tmp_path / "fits.py").write_text("pass\n" * 500)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "long.py").write_text("pass\n" * 501)
    assert list(long_files(tmp_path)) == [(tmp_path / "inner" / "long.py", 501)]


def test_a_function_of_50_lines_is_the_longest(tmp_path: Path) -> None:
    path = tmp_path / "functions.py"
    path.write_text(
        "def fits():\n" + "    pass\n" * 49 + "class C:\n    async def long(self):\n" + "        pass\n" * 50
    )
    assert list(long_functions(tmp_path)) == [(path, 52, "long", 51)]
