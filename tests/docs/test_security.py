"""docs/why/security.md: each claim names tests, and each of them is one that pytest collects."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.server import REPOSITORY

PAGE = REPOSITORY / "docs" / "why" / "security.md"
TESTS = REPOSITORY / "tests"

_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
_UNTESTED = ("who",)
"""First words of tables that say what is meant, and claim nothing."""


def claims() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each row of the tables of claims: what it says first, and the tests that it names, as file and function."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for table in re.findall(r"(?:^\|.*\n)+", PAGE.read_text(), re.MULTILINE):
        head, _, *rows = table.splitlines()
        if head.split("|")[1].strip() not in _UNTESTED:
            found += [(row.split("|")[1].strip(), _NAMED.findall(row.split("|")[-2])) for row in rows]
    return found


@cache
def collected(file: Path) -> set[str]:
    """Functions that pytest takes for tests: those at the top of a file of tests."""
    if not file.name.startswith("test_") or not file.is_file():
        return set()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse(file.read_text()).body
    return {node.name for node in body if isinstance(node, kinds) and node.name.startswith("test_")}


def test_the_search_for_claims_finds_them():
    assert len(claims()) > 50
    assert "test_the_search_for_claims_finds_them" in collected(Path(__file__))


@pytest.mark.parametrize(("claim", "named"), claims(), ids=range(len(claims())))
def test_every_claim_has_tests_that_are_there(claim: str, named: list[tuple[str, str]]):
    assert named, f"nothing tests: {claim}"
    assert [f"{file}::{name}" for file, name in named if name not in collected(TESTS / file)] == []


def test_every_attack_belongs_to_a_claim():
    """Who adds a test of security says on the page what for."""
    named = {name for _, tests in claims() for _, name in tests}
    folder = TESTS / "integration" / "security"
    attacks = {name for file in folder.glob("test_*.py") for name in collected(file)}
    harmless = {"test_a_good_token_is_somebody", "test_the_admin_reaches_them"}
    assert sorted(attacks - named - harmless) == []
