"""Official clients of a server that is several processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.crew import Crew
from tests.support.patience import until
from tests.support.script import Script, node

pytestmark = pytest.mark.timeout(180)  # each starts several servers


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with Crew(tmp_path / "data", 3) as crew:
        yield crew


def written_elsewhere(crew: Crew, text: str, reader: int) -> int:
    """Write, over connections of their own, until another worker than the reader's has written; gives which."""
    return until(
        lambda: writer if (writer := int(crew.mutation("crew:add", text=text))) != reader else 0,
        "a mutation on another worker",
    )


def own_worker(script: Script) -> int:
    return int(script.next("worker")["worker"])


def test_who_subscribes_at_one_worker_hears_what_was_written_at_another(crew: Crew):
    with node("crew.mjs", crew.url) as script:
        reader = own_worker(script)
        for text in ("first", "second", "third"):
            written_elsewhere(crew, text, reader)
            script.next("texts", where=lambda event: event["texts"][-1:] == [text])
        script.order(add="mine")
        assert script.next("added")["worker"] == reader
        assert script.of("texts")[-1]["texts"][-1] == "mine", "own writes are seen when they are answered"
        script.order(done=True)
        script.finish()
    assert len(script.of("worker")) == 1, "one connection all along"


def test_a_client_whose_worker_dies_goes_on_at_another(crew: Crew):
    with node("crew.mjs", crew.url) as script:
        reader = own_worker(script)
        written_elsewhere(crew, "before", reader)
        script.next("texts", where=lambda event: "before" in event["texts"])
        crew.kill_worker(reader)
        script.order(add="while away")
        script.next("worker", where=lambda event: event["worker"] != reader)
        script.next("added", where=lambda event: event["text"] == "while away")
        script.order(done=True)
        script.finish()
    texts = crew.query("crew:texts")
    assert texts.count("while away") == 1
    assert [len(event["texts"]) for event in script.of("texts")] == sorted(
        len(event["texts"]) for event in script.of("texts")
    ), "nothing that was seen is ever gone"
