"""`kill -9` under load: what was acknowledged is there, nothing ran twice, order and time go on."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

from tests.support.profile import NIGHTLY
from tests.support.script import Script, node
from tests.support.server import Server

ROUNDS = 24 if NIGHTLY else 8
ACKNOWLEDGED_PER_ROUND = 40


def write_a_while(script: Script) -> None:
    for _ in range(ACKNOWLEDGED_PER_ROUND):
        script.next("acknowledged")


@pytest.mark.timeout(900 if NIGHTLY else 240)
def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path):
    with (
        Server("bank", tmp_path / "data") as server,
        node("writer.mjs", server.url, ledger="l", writers=3, inFlight=8) as script,
    ):
        for _ in range(ROUNDS):
            write_a_while(script)
            before = server.timestamp()
            server.kill()
            server.start()
            assert server.timestamp() >= before, "timestamps go on"
        write_a_while(script)
        script.order(rest=True)
        script.next("rested")
        entries = server.query("ledger:entries", ledger="l")
        count = server.query("ledger:count", ledger="l")
        script.order(leave=True)
        script.finish()
    check(entries, count, script)


def check(entries: list[tuple[str, float, float]], count: float, script: Script) -> None:
    acknowledged = script.of("acknowledged")
    assert len(acknowledged) == len(entries) == count, "one entry for each acknowledgement, one count for each entry"
    by_writer = {name: [e[1] for e in own] for name, own in groupby(sorted(entries, key=itemgetter(0)), itemgetter(0))}
    assert len(by_writer) == 3
    for name, sequence in by_writer.items():
        assert sequence == list(range(len(sequence))), f"{name}: in order, none missing, none twice"
    places = {(writer, sequence): place for place, (writer, sequence, _) in enumerate(entries, 1)}
    for event in acknowledged:
        place = places[event["writer"], event["sequence"]]
        assert event["count"] == place, "the answer that a client got is the outcome of the run that was kept"
    times = [time for _, _, time in entries]
    assert times == sorted(times)
