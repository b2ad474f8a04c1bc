"""npm clients that are led from node to node while they write: nothing is lost, nothing happens twice, order holds."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

from tests.support.link import Link
from tests.support.nodes import Nodes
from tests.support.postgres import Postgres
from tests.support.profile import NIGHTLY
from tests.support.script import Script, node

ROUNDS = 60 if NIGHTLY else 9
ACKNOWLEDGED_PER_ROUND = 30


def write_a_while(script: Script) -> None:
    for _ in range(ACKNOWLEDGED_PER_ROUND):
        script.next("acknowledged")


@pytest.mark.timeout(1_800 if NIGHTLY else 240)
def test_clients_that_change_nodes_in_the_middle_of_mutations(postgres: Postgres, tmp_path: Path) -> None:
    with Nodes("bank", tmp_path, postgres, 3) as nodes, Link(nodes[0].port) as way:
        with node("writer.mjs", f"http://127.0.0.1:{way.port}", ledger="l", writers=3, inFlight=8) as script:
            for number in range(ROUNDS):
                write_a_while(script)
                here, there = nodes[number % 3], nodes[(number + 1) % 3]
                way.lead_to(there.port)
                # Its connections are lost, or the node itself; in each case with mutations that have no answer yet.
                if number % 3:
                    way.cut()
                else:
                    here.kill()
                    here.start()
            write_a_while(script)
            script.order(rest=True)
            script.next("rested")
            found = [each.query("ledger:entries", ledger="l") for each in nodes.all]
            counts = [each.query("ledger:count", ledger="l") for each in nodes.all]
            script.order(leave=True)
            script.finish()
        check(found[0], script)
    assert found[1:] == found[:1] * 2
    assert counts == [len(found[0])] * 3


def check(entries: list[tuple[str, float, float]], script: Script) -> None:
    acknowledged = script.of("acknowledged")
    assert len(acknowledged) == len(entries), "one entry for each acknowledgement"
    assert sorted(event["count"] for event in acknowledged) == list(range(1, len(entries) + 1)), (
        "the answer that a client got is the outcome of the run that was kept"
    )
    by_writer = {name: [e[1] for e in own] for name, own in groupby(sorted(entries, key=itemgetter(0)), itemgetter(0))}
    assert len(by_writer) == 3
    for name, sequence in by_writer.items():
        assert sequence == list(range(len(sequence))), f"{name}: in order, none missing, none twice"
