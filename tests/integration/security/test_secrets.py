"""Secrets stay where they are: a server in production, at its most talkative, is made to fail in many ways."""

import asyncio
import base64
import contextlib
import stat
from pathlib import Path

import pytest

from reactor.app.admin_key import admin_key, admin_key_file
from reactor.settings import Settings
from tests.integration.security.vault import ADMIN_KEY, MARKER, PAYMENT_KEY, Vault, admin, bearer
from tests.support.issuer import signing_key
from tests.support.sync_client import SyncClient

ACTING = ":" + base64.b64encode(b'{"subject":"ann","issuer":"https://i.example"}').decode()


def test_no_secret_stands_in_an_answer_or_in_the_log(vault: Vault):
    answers = "\n".join([*failing_requests(vault), *asyncio.run(failing_sockets(vault))])
    log = vault.server.log
    assert "the payment was refused by the vault" in log, "the owner of the server is told why it failed"
    assert "refused" not in vault.fails("query", "vault:fails"), "clients are not"
    assert "refused" in vault.fails("query", "vault:fails", admin()), "who holds the admin key may know"
    for said, what in ((log, "the log"), (answers, "an answer")):
        assert [line for line in said.splitlines() if MARKER in line] == [], what
        for token in TOKENS:
            assert token not in said, what
            assert token.rpartition(".")[2] not in said, f"the signature of a token in {what}"


TOKENS: list[str] = []


def tokens(vault: Vault) -> list[str]:
    """Good and bad ones, each with a claim that nobody else may read."""
    issuer, secret = vault.issuer, f"{MARKER}-claim"
    made = [
        issuer.token("ann", secret=secret),
        issuer.token("ann", exp=1, secret=secret),
        issuer.token("ann", aud="another", secret=secret),
        issuer.token("ann", iss="https://evil.example", secret=secret),
        signing_key("unknown").sign(issuer.claims("ann", secret=secret)),
        issuer.token("ann", secret=secret)[:-4] + "AAAA",
    ]
    TOKENS.extend(made)
    return made


def failing_requests(vault: Vault) -> list[str]:
    answers: list[str] = []
    keys = [f"Convex {ADMIN_KEY}x", f"Convex x{ADMIN_KEY}", f"Convex {ADMIN_KEY}:!!", f"Convex {ADMIN_KEY}{ACTING}"]
    keys += [f"Basic {ADMIN_KEY}", ADMIN_KEY, f"Bearer {ADMIN_KEY}", f"Convex {ADMIN_KEY}:e30="]
    for header in [*keys, *(bearer(token)["Authorization"] for token in tokens(vault)), ""]:
        headers = {"Authorization": header, "Cookie": f"session={MARKER}", "X-Api-Key": MARKER}
        for kind, path in (("query", "vault:fails"), ("mutation", "vault:hidden"), ("action", "none:none")):
            answers.append(vault.call(kind, path, headers).text)
        broken = ("/api/function", "/api/update_environment_variables", "/api/query_batch", "/api/run/vault/fails")
        answers += [vault.http.post(path, content=b"{", headers=headers).text for path in broken]
        answers.append(vault.http.get("/http/header", headers=headers).text)
        answers.append(vault.http.get(f"/api/storage/none?token={MARKER}", headers=headers).text)
        answers.append(vault.http.post(f"/api/storage/upload?token={MARKER}", headers=headers).text)
    answers.append(vault.raw(b"BROKEN\r\nauthorization: " + ADMIN_KEY.encode() + b"\r\n").raw.decode("latin-1"))
    answers.append(vault.raw(b"GET / HTTP/1.1\r\nauthorization: " + b"x" * 70_000 + MARKER.encode()).raw.decode())
    return answers


async def failing_sockets(vault: Vault) -> list[str]:
    said: list[str] = []
    tries = [("Admin", ADMIN_KEY + "x"), ("Admin", ADMIN_KEY), *(("User", token) for token in tokens(vault))]
    for kind, value in tries:
        headers = {"Authorization": f"Bearer {value}", "Cookie": f"session={MARKER}"}
        async with SyncClient(vault.server.url, headers=headers) as client:
            await client.send(type="Authenticate", tokenType=kind, value=value, baseVersion=0)
            with contextlib.suppress(Exception):
                await client.add("vault:fails")
                await client.mutation("vault:none")
                await client.send(type="Authenticate", tokenType=kind, value=value, baseVersion=7)
                await client.until_ended()
            said.append(str([client.messages, client.results, client.ended]))
    return said


@pytest.mark.parametrize("path", ["/", "/metrics", "/version", "/_reactor", "/healthz", "/none", "/api/none"])
def test_no_secret_stands_on_a_page(vault: Vault, path: str):
    for headers in ({}, admin()):
        assert MARKER not in vault.http.get(path, headers=headers).text


def test_the_database_has_no_admin_key(vault: Vault):
    for file in vault.server.data.iterdir():
        if file.is_file():
            assert ADMIN_KEY.encode() not in file.read_bytes(), file.name


def test_only_the_admin_reads_variables(vault: Vault):
    assert PAYMENT_KEY in vault.http.get("/api/list_environment_variables", headers=admin()).text
    for headers in ({}, bearer(vault.issuer.token()), {"Authorization": "Convex wrong|key"}):
        answer = vault.http.get("/api/list_environment_variables", headers=headers)
        assert (answer.status_code in (401, 403), MARKER in answer.text) == (True, False)
    assert MARKER not in vault.fails("query", "vault:rows", table="_environment_variables")


def test_only_the_admin_changes_variables_and_looks_inside(vault: Vault):
    changes = {"changes": [{"name": "PAYMENT_KEY", "value": "stolen"}]}
    for headers in ({}, bearer(vault.issuer.token()), {"Authorization": "Convex wrong|key"}):
        changed = vault.http.post("/api/update_environment_variables", json=changes, headers=headers)
        looked = vault.http.get("/api/reactor/live", headers=headers)
        assert {changed.status_code, looked.status_code} <= {401, 403}
    assert PAYMENT_KEY in vault.http.get("/api/list_environment_variables", headers=admin()).text
    assert vault.http.get("/api/reactor/live", headers=admin()).status_code == 200


def test_nobody_else_on_the_machine_reads_the_data(vault: Vault, tmp_path: Path):
    assert stat.S_IMODE(vault.server.data.stat().st_mode) == 0o700
    settings = Settings(data=tmp_path)
    key = admin_key(settings)
    assert len(key.partition("|")[2]) == 64, "256 bits of chance"
    assert stat.S_IMODE(admin_key_file(settings).stat().st_mode) == 0o600
    assert admin_key(settings) == key


def test_every_deployment_has_a_key_of_its_own(tmp_path: Path):
    keys: set[str] = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        keys.add(admin_key(Settings(data=tmp_path / name)))
    assert len(keys) == 2
