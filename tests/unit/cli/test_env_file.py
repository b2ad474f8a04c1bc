"""Files with variables."""

from pathlib import Path

import pytest

from reactor.cli.env_file import read_env_file
from reactor.errors import DeveloperError


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("  export A = 1  ", "1"),
        ("A=", ""),
        ("A=#", ""),
        ("A=a#b", "a#b"),
        ("A=a #b", "a"),
        ("A='a #b' # c", "a #b"),
        ("A='a\\nb'", "a\\nb"),
        ('A="a\\nb"', "a\nb"),
        ('A="say \\"x\\""', 'say "x"'),
        ("A=x=y", "x=y"),
    ],
)
def test_a_line(tmp_path: Path, line: str, value: str):
    file = tmp_path / ".env"
    file.write_text(f"\n# comment\n{line}\n")
    assert read_env_file(file) == {"A": value}


@pytest.mark.parametrize("line", ["A", "1A=2", "A-B=1", "A='x", 'A="x\\"', "A='x'y"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str):
    file = tmp_path / ".env"
    file.write_text(f"B=1\n{line}\n")
    with pytest.raises(DeveloperError, match=r"line 2"):
        read_env_file(file)


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(DeveloperError, match="cannot be read"):
        read_env_file(tmp_path / "none")
