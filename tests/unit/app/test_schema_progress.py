"""Of a change of the schema the terminal hears now and then, and nothing of a quick one."""

from reactor.app import schema_progress
from reactor.app.schema_progress import SchemaProgress
from reactor.database.adoption import Step


def test_one_page_in_a_while_is_told() -> None:
    now, told = 100.0, list[tuple[str, dict[str, object]]]()
    progress = SchemaProgress(lambda kind, /, **fields: told.append((kind, fields)), clock=lambda: now)

    def page(at: float, documents: int) -> None:
        nonlocal now
        now = 100.0 + at
        progress(Step("words", True, ("by_n",), None, documents))

    quiet, every = schema_progress._QUIET_SECONDS, schema_progress._EVERY_SECONDS
    for at, documents in ((0, 1), (quiet / 2, 2), (quiet, 3), (quiet + 0.1, 4), (quiet + every, 5)):
        page(at, documents)
    assert [fields["documents"] for _, fields in told] == [3, 5]
    assert told[0] == (
        "schema_progress",
        {"table": "words", "checks": True, "fills": ("by_n",), "unique": None, "documents": 3},
    )
