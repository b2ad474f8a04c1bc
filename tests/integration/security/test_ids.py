"""Ids that clients make up or take from elsewhere, and values that would be something special somewhere else."""

import base64
from typing import Any

import pytest

from tests.integration.security.vault import Vault, admin
from tests.support.sync_client import SyncClient

NOBODYS = ["", "x", "../x", "1", "0" * 32, "z" * 200, "a" * 100_000, "%", "' OR 1=1 --", "\x00", "_storage", "null"]
MADE_UP = "j57d5m1x8qgwmv5ae9frxhpzcd6k2v3a"


@pytest.fixture
def note(vault: Vault) -> str:
    return vault.value("mutation", "vault:write", owner="ann", text="ann's")


@pytest.fixture
def door(vault: Vault) -> str:
    return vault.value("mutation", "vault:add_door", name="front")


def hidden(vault: Vault, kind: str, path: str, **args: Any) -> None:
    """The call fails, and its failure tells nothing of the inside."""
    assert vault.fails(kind, path, **args).endswith("Server Error")


def test_validators_know_the_table(vault: Vault, note: str, door: str):
    assert vault.value("query", "vault:checked", id=note)["text"] == "ann's"
    assert "does not match the table name" in vault.fails("query", "vault:checked", admin(), id=door)
    hidden(vault, "query", "vault:checked", id=door)
    hidden(vault, "mutation", "vault:add_door", name="x", note=door)
    for id in (*NOBODYS, MADE_UP):
        hidden(vault, "query", "vault:checked", id=id)


@pytest.mark.parametrize("id", NOBODYS, ids=range(len(NOBODYS)))
def test_what_is_no_id_is_refused_everywhere(vault: Vault, id: str):
    hidden(vault, "query", "vault:unchecked", id=id)
    hidden(vault, "query", "vault:of_system", id=id)
    for path in ("patch", "replace", "delete"):
        args = {"fields": {"text": "x"}} if path == "patch" else {}
        hidden(vault, "mutation", f"vault:{path}", id=id, **args)
    hidden(vault, "query", "vault:url", id=id)
    assert vault.is_well()


def test_rows_of_the_system_are_out_of_reach(vault: Vault, note: str):
    """By ids that are right, which a client may have seen."""
    job = vault.value("mutation", "vault:schedule", what="vault:hidden_mutation")
    file = vault.value("action", "vault:store", content_type="text/plain")
    variables = vault.http.get("/api/list_environment_variables", headers=admin()).json()
    assert variables["environmentVariables"]
    assert vault.value("query", "vault:of_system", id=job)["state"]["kind"] == "pending"
    for id in (job, file):
        hidden(vault, "query", "vault:unchecked", id=id)
        hidden(vault, "mutation", "vault:patch", id=id, fields={"state": {"kind": "success"}})
        hidden(vault, "mutation", "vault:replace", id=id)
        hidden(vault, "mutation", "vault:delete", id=id)
        hidden(vault, "query", "vault:checked", id=id)
    hidden(vault, "query", "vault:of_system", id=note)
    assert vault.value("query", "vault:of_system", id=job)["state"]["kind"] == "pending"


@pytest.mark.parametrize(
    "table",
    ["_scheduled_functions", "_storage", "_environment_variables", "_indexes", "_tables", "sqlite_master", "x; --"],
)
def test_tables_of_the_system_are_not_tables_of_functions(vault: Vault, table: str):
    answer = vault.call("query", "vault:rows", table=table).json()
    assert answer["status"] == "error" or answer["value"] == []


def test_a_document_stays_in_its_table_and_keeps_its_own_fields(vault: Vault, note: str, door: str):
    hidden(vault, "mutation", "vault:patch", id=note, fields={"_id": door})
    hidden(vault, "mutation", "vault:patch", id=note, fields={"_creationTime": 0})
    hidden(vault, "mutation", "vault:patch", id=note, fields={"unknown": 1})
    hidden(vault, "mutation", "vault:patch", id=door, fields={"text": "x"})
    assert vault.value("query", "vault:checked", id=note)["text"] == "ann's"


# Values


@pytest.mark.parametrize(
    "text",
    [
        "' OR 1=1 --",
        '"; DROP TABLE documents; --',
        "%",
        "_",
        "*",
        "\\",
        "\x00",
        "\x00' OR 1",
        "NULL",
        "\u202e",
        "\ufffd",
    ],
)
def test_text_is_text(vault: Vault, text: str):
    """Nothing of it is SQL, a pattern, or an end."""
    vault.value("mutation", "vault:write", owner="somebody", text="somebody's")
    vault.value("mutation", "vault:write", owner=text, text=text)
    assert set(vault.value("query", "vault:notes_of", owner=text)) == {text}
    assert set(vault.value("query", "vault:search", text="somebody", owner=text)) == set()
    assert vault.value("query", "vault:search", text=text, owner="somebody") == []


@pytest.mark.parametrize("name", ["$set", "$where", "$ne", "\x01", "ключ"])
def test_names_of_fields_that_none_may_have(vault: Vault, name: str):
    assert '"success"' not in vault.call("mutation", "vault:write", owner="x", text="x", more={name: {"x": 1}}).text


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype", "__class__", "__init__", "toString"])
def test_names_that_are_special_in_other_languages_are_data(vault: Vault, name: str):
    more = {name: {"admin": True}}
    answer = vault.call("mutation", "vault:write", owner=name, text="x", more=more).json()
    if answer["status"] == "success":
        document = vault.value("query", "vault:checked", id=answer["value"])
        assert document["more"] == more
        assert "admin" not in document


def test_a_text_where_a_number_of_rows_should_be(vault: Vault):
    for size in (-1, 0, 1e300, "1; --", None, True, {"$gt": 0}):
        answer = vault.call("query", "vault:page", owner="x", paginationOpts={"numItems": size, "cursor": None})
        assert answer.status_code in (200, 400)
    assert vault.is_well()


@pytest.mark.parametrize(
    "cursor", ["", "x", "AAAA", "A" * 100_000, "../..", base64.b64encode(b"\x00" * 64).decode(), 5, {}]
)
def test_cursors_that_nobody_was_given(vault: Vault, cursor: Any):
    answer = vault.call("query", "vault:page", owner="ann", paginationOpts={"numItems": 1, "cursor": cursor})
    assert answer.json()["status"] == "error"
    assert vault.is_well()


def test_a_cursor_opens_its_own_range_only(vault: Vault):
    for text in ("1", "2", "3"):
        vault.value("mutation", "vault:write", owner="cursors", text=text)
    options = {"numItems": 1, "cursor": None}
    cursor = vault.value("query", "vault:page", owner="cursors", paginationOpts=options)["continueCursor"]
    assert "cursors" not in base64.urlsafe_b64decode(cursor + "==").decode("latin-1"), "it tells nothing of the place"
    following = {"numItems": 1, "cursor": cursor}
    assert vault.value("query", "vault:page", owner="cursors", paginationOpts=following)["page"][0]["text"] == "2"
    assert "cursor is of another query" in vault.fails(
        "query", "vault:page", admin(), owner="x", paginationOpts=following
    )
    for changed in (cursor[:-1], cursor[1:], "A" + cursor[1:], cursor + "A" * 4):
        hidden(vault, "query", "vault:page", owner="cursors", paginationOpts={"numItems": 1, "cursor": changed})


# Sessions


async def test_the_number_of_another_sessions_mutation_repeats_nothing(vault: Vault):
    """Whoever knows an id of a session, which is no secret, gets an answer that was made for it, and runs nothing."""
    async with SyncClient(vault.server.url) as client:
        first = await client.mutation("vault:write", owner="sessions", text="once")
    async with SyncClient(vault.server.url) as stranger:
        await stranger.mutation("vault:write", owner="sessions", text="of another")
    assert vault.value("query", "vault:notes_of", owner="sessions") == ["once", "of another"]
    async with SyncClient(vault.server.url, session=client.session) as again:
        repeated = await again.mutation("vault:write", owner="sessions", text="forged")
    assert repeated.result == first.result
    assert vault.value("query", "vault:notes_of", owner="sessions") == ["once", "of another"]
