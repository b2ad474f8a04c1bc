"""Which code all are to serve: numbers grow, and code that was replaced is known as such."""

from hypothesis import given
from hypothesis import strategies as st

from reactor.nodes.code import decide, is_refused
from reactor.nodes.rows import CodeRow, NodeRow


def test_code_that_nobody_has_served_is_the_next_version() -> None:
    first = decide(None, "a")
    assert first == CodeRow(1, "a", [])
    second = decide(first, "b")
    assert second == CodeRow(2, "b", ["a"])
    assert decide(second, "b") is second, "who brings the same brings nothing"


def test_going_back_is_one_more_version() -> None:
    known = decide(decide(decide(None, "a"), "b"), "a")
    assert known == CodeRow(3, "a", ["b"])


@given(st.lists(st.sampled_from("abcdef"), min_size=1))
def test_numbers_grow_and_what_is_served_is_never_past(brought: list[str]) -> None:
    known = None
    for code in brought:
        before, known = known, decide(known, code)
        assert known.code == code
        assert code not in known.past
        assert len(set(known.past)) == len(known.past)
        if before is not None:
            assert known.version == before.version + (before.code != code)
            assert before.code == code or before.code in known.past


def test_past_codes_are_bounded() -> None:
    known = None
    for number in range(1_000):
        known = decide(known, str(number))
    assert known is not None
    assert known.past == [str(number) for number in range(935, 999)]


def test_a_straggler_leaves_it_to_those_who_serve_the_newest() -> None:
    known = CodeRow(2, "b", ["a"])
    old, new = NodeRow("o", "", 0, 0, 1), NodeRow("n", "", 0, 0, 2)
    assert is_refused(known, "a", [old, new])
    assert not is_refused(known, "a", [old]), "nobody serves the newest"
    assert not is_refused(known, "b", [new])
    assert not is_refused(known, "c", [new]), "a new version"
    assert not is_refused(None, "a", [])
