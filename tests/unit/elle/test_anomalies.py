"""Every anomaly by a history that shows it and nothing simpler, and next to each a history that is in order."""

import pytest

from tests.support.elle import HistoryError, Transaction, check
from tests.unit.elle.histories import append, failed, ok, read, unknown, unread, within

FINE: dict[str, list[Transaction]] = {
    "nothing": [],
    "reads of nothing": [ok(read("x")), ok(read("x"), read("y"))],
    "appends that nobody read": [ok(append("x", 1)), ok(append("x", 2))],
    "own appends": [ok(append("x", 1), read("x", 1), append("x", 2), read("x", 1, 2)), ok(read("x", 1, 2))],
    "an older state, by nobody's promise": [ok(append("x", 1)), ok(read("x")), ok(read("x", 1))],
    "a failed append that nobody saw": [failed(append("x", 1)), ok(read("x"))],
    "a lost transaction that happened": [unknown(append("x", 1), unread("y")), ok(read("x", 1))],
    "a lost transaction that did not happen": [unknown(append("x", 1)), ok(read("x"), at=(1, 2)), ok(read("x"))],
    "a lost transaction that happened late": [
        unknown(append("x", 1), began=0),
        ok(read("x"), at=(5, 6)),
        ok(read("x", 1), at=(7, 8)),
    ],
    "a part that was taken back": [ok(append("x", 1), within(append("x", 2), read("x", 1, 2))), ok(read("x", 1))],
    "a part taken back that read": [ok(within(read("x", 1), append("x", 2)), append("x", 3)), ok(append("x", 1))],
    "clients at the same time": [ok(append("x", 1), at=(1, 5)), ok(read("x"), at=(2, 6)), ok(read("x", 1), at=(3, 7))],
    "an old state for one who asked for it": [
        ok(append("x", 1), at=(1, 2), position=10),
        ok(append("x", 2), at=(3, 4), position=20),
        ok(read("x", 1), at=(0, 9), position=10),
        ok(read("x", 1), at=(0, 9), position=19),
        ok(read("x", 1, 2), at=(0, 9), position=20),
    ],
    "a reader that may be late": [
        ok(append("x", 1), at=(1, 2)),
        ok(read("x"), at=(3, 4), stale=True),
        ok(read("x", 1)),
    ],
}

WRITE_CYCLE = [ok(append("x", 1), append("y", 1)), ok(append("x", 2), append("y", 2)), ok(read("x", 1, 2))]

BROKEN: dict[str, list[Transaction]] = {
    "G0": [*WRITE_CYCLE, ok(read("y", 2, 1))],
    "G0-process": [
        ok(append("x", 1), client="a", at=(0, 9)),
        ok(append("x", 2), client="a", at=(1, 9)),
        ok(read("x", 2, 1)),
    ],
    "G0-realtime": [ok(append("x", 1), at=(1, 2)), ok(append("x", 2), at=(3, 4)), ok(read("x", 2, 1))],
    "G0-timestamp": [ok(append("x", 1), position=1), ok(append("x", 2), position=2), ok(read("x", 2, 1))],
    "G1a": [failed(append("x", 1)), ok(append("x", 2)), ok(read("x", 1, 2))],
    "G1b": [ok(append("x", 1), append("x", 2)), ok(read("x", 1))],
    "G1c": [ok(append("x", 1), read("y", 1)), ok(append("y", 1), read("x", 1))],
    "G1c-process": [ok(read("x", 1), client="a", at=(0, 9)), ok(append("x", 1), client="a", at=(1, 9))],
    "G1c-realtime": [ok(read("x", 1), at=(1, 2)), ok(append("x", 1), at=(3, 4))],
    "G1c-timestamp": [ok(read("x", 1), position=1), ok(append("x", 1), position=2)],
    "G-single": [ok(append("x", 1), append("y", 1)), ok(read("x", 1), read("y")), ok(read("y", 1))],
    "G-single-process": [
        ok(append("x", 1), client="a", at=(0, 9)),
        ok(read("x"), client="a", at=(1, 9)),
        ok(read("x", 1)),
    ],
    "G-single-realtime": [ok(append("x", 1), at=(1, 2)), ok(read("x"), at=(3, 4)), ok(read("x", 1))],
    "G-single-timestamp": [ok(append("x", 1), position=5), ok(read("x"), position=5), ok(read("x", 1))],
    "G2": [ok(read("x"), append("y", 1)), ok(read("y"), append("x", 1)), ok(read("x", 1), read("y", 1))],
    "G2-process": [
        ok(append("x", 1), client="a", at=(0, 9)),
        ok(read("y"), client="a", at=(1, 9)),
        ok(append("y", 1), client="b", at=(0, 9)),
        ok(read("x"), client="b", at=(1, 9)),
        ok(read("x", 1), read("y", 1)),
    ],
    "G2-realtime": [
        ok(append("x", 1), at=(1, 2)),
        ok(read("y"), at=(3, 4)),
        ok(append("y", 1), read("x")),
        ok(read("x", 1), read("y", 1)),
    ],
    "G2-timestamp": [
        ok(append("x", 1), position=1),
        ok(read("y"), position=2),
        ok(append("y", 1), read("x")),
        ok(read("x", 1), read("y", 1)),
    ],
    "lost update": [ok(read("x"), append("x", 1)), ok(read("x"), append("x", 2)), ok(read("x", 1, 2))],
    "duplicate append": [ok(append("x", 1)), ok(read("x", 1, 1))],
    "incompatible order": [ok(append("x", 1)), ok(append("x", 2)), ok(read("x", 1, 2)), ok(read("x", 2))],
    "internal inconsistency": [ok(append("x", 1), read("x"))],
    "garbage read": [ok(read("x", 1))],
    "contradicting orders": [ok(append("x", 1), at=(1, 2), position=2), ok(append("y", 1), at=(3, 4), position=1)],
}


@pytest.mark.parametrize("what", FINE)
def test_a_history_in_order_has_no_anomaly(what: str) -> None:
    report = check(FINE[what])
    assert not report.anomalies, report


@pytest.mark.parametrize("name", BROKEN)
def test_an_anomaly_is_found_by_its_name(name: str) -> None:
    assert name in check(BROKEN[name]).names


@pytest.mark.parametrize("name", [name for name in BROKEN if name[0] == "G" and name not in ("G1a", "G1b")])
def test_a_cycle_is_called_by_nothing_but_its_simplest_name(name: str) -> None:
    others = check(BROKEN[name]).names - {name}
    assert others <= {"lost update"}


@pytest.mark.parametrize("name", BROKEN)
def test_less_of_it_is_no_anomaly(name: str) -> None:
    """The anomaly is in the relation of transactions: it goes when one that takes part is missing."""
    history = BROKEN[name]
    involved = next(a for a in check(history).anomalies if a.name == name).transactions
    if name == "garbage read":
        history = [*history, ok(append("x", 1))]
    else:
        history = [transaction for number, transaction in enumerate(history) if number != involved[0]]
    assert name not in check(history).names


def test_one_that_may_be_late_does_not_go_back_behind_what_its_client_saw() -> None:
    seen = ok(read("x", 1), client="a", at=(1, 2), stale=True)
    assert check([ok(append("x", 1)), seen, ok(read("x"), client="a", at=(3, 4), stale=True)]).names == {
        "G-single-process"
    }


def test_one_that_may_be_late_is_before_what_was_asked_for_afterwards() -> None:
    assert check([ok(read("x", 1), at=(1, 2), stale=True), ok(append("x", 1), at=(3, 4))]).names == {"G1c-realtime"}


def test_an_acknowledged_append_that_is_never_seen_is_found() -> None:
    history = [ok(append("x", 1), at=(1, 2)), ok(append("x", 2), at=(1, 2)), ok(read("x", 2), at=(3, 4))]
    assert check(history).names == {"G-single-realtime"}


def test_what_happened_in_part_is_found() -> None:
    """A lost transaction of which one append shows must show the other as well."""
    half = unknown(append("x", 1), append("y", 1))
    assert check([half, ok(read("x", 1), read("y"))]).names == {"G-single"}
    assert check([half, ok(read("x", 1), read("y", 1))]).names == set()
    assert check([half, ok(read("x"), read("y"))]).names == set()


def test_a_part_that_was_taken_back_must_not_be_seen() -> None:
    taken_back = ok(append("x", 1), within(append("x", 2)))
    assert "G1a" in check([taken_back, ok(read("x", 1, 2))]).names
    assert check([taken_back, ok(read("x", 1))]).names == set()


def test_a_transaction_does_not_see_what_it_took_back() -> None:
    assert "internal inconsistency" in check([ok(append("x", 1), within(append("x", 2)), read("x", 1, 2))]).names


def test_reads_of_a_part_that_was_taken_back_are_reads() -> None:
    skew = [ok(within(read("x"), append("z", 1)), append("y", 1)), ok(read("y"), append("x", 1))]
    assert check([*skew, ok(read("x", 1), read("y", 1))]).names == {"G2"}


def test_two_reads_of_one_transaction_agree() -> None:
    assert check([ok(append("x", 1)), ok(read("x"), read("x", 1))]).names == {"internal inconsistency"}


def test_a_client_of_unknown_outcome_may_be_overtaken_by_itself() -> None:
    history = [unknown(append("x", 1), client="a", began=0), ok(read("x"), client="a", at=(1, 2)), ok(read("x", 1))]
    assert check(history).names == set()


def test_moments_keep_real_time_exact() -> None:
    """Asked for at the moment of an answer is not yet after it."""
    history = [ok(append("x", 1), at=(1, 5)), ok(read("x"), at=(5, 6)), ok(read("x", 1))]
    assert check(history).names == set()


def test_an_explanation_names_the_transactions_and_the_reasons() -> None:
    text = str(check(BROKEN["G2"]))
    assert text.startswith("1 anomalies in 3 transactions")
    assert "T0 comes before T1: it read x as [], without the other's [1]" in text
    assert "T1 comes before T0: it read y as [], without the other's [1]" in text
    assert "read x [], append 1 to y" in text


@pytest.mark.parametrize("name", BROKEN)
def test_every_anomaly_can_be_told(name: str) -> None:
    text = str(check(BROKEN[name]))
    assert f"{name}:" in text
    assert "{" not in text


def test_the_shortest_cycle_is_told() -> None:
    ring = [ok(read(f"k{n}"), append(f"k{(n + 1) % 5}", n)) for n in range(5)]
    chord = ok(read("k0"), append("k4", 9))
    ends = [read(f"k{n}", n - 1) for n in range(1, 4)]
    (anomaly,) = check([*ring, chord, ok(read("k0", 4), read("k4", 3, 9), *ends)]).anomalies
    assert anomaly.name == "G2"
    assert set(anomaly.transactions) == {3, 4, 5}
    assert "among 6 that all come before one another" in anomaly.text


def test_values_that_are_not_unique_prove_nothing() -> None:
    with pytest.raises(HistoryError, match="1 appended to x twice"):
        check([ok(append("x", 1)), failed(append("x", 1))])


def test_dependencies_are_counted() -> None:
    report = check([ok(append("x", 1)), ok(append("x", 2)), ok(read("x", 1)), ok(read("x", 1, 2))])
    assert (report.happened, report.dependencies) == (4, {"ww": 1, "wr": 2, "rw": 1})
