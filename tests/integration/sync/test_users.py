"""Users with tokens over the sync protocol, on the whole engine and with a real issuer."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.errors import LoadError, SettingsError
from tests.integration.sync.engine import Client, engine, timestamp
from tests.support.issuer import DISCOVERY, KEYS, Issuer, Reply, signing_key

TOTAL, ADD = "visits:total", "visits:add"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


def club(issuer: Issuer, tmp_path: Path, **more: Any) -> Any:
    return engine(tmp_path / "data", auth_providers=(issuer.provider,), **more)


async def sign_in(client: Client, token: str) -> None:
    await client.authenticate(tokenType="User", value=token)
    assert client.closed is None, client.others


def runs(parts: Parts) -> int:
    return sum(parts.runner.query_runs.values())


async def test_who_a_user_is_reaches_every_kind_of_function(issuer: Issuer, tmp_path: Path):
    async with club(issuer, tmp_path) as parts:
        client = Client(parts)
        assert await client.add(0, "members:me") is None
        await sign_in(client, issuer.token())
        ann = f"{issuer.url}|ann"
        assert client.value(0) == ann
        assert (await client.mutation("members:who_writes"))["result"] == ann
        assert (await client.action("members:who_acts"))["result"] == [ann, ann, ann]
        await sign_in(client, issuer.token("bob"))
        assert client.value(0) == f"{issuer.url}|bob"
        await client.authenticate(tokenType="None")
        assert client.value(0) is None
        assert client.version["identity"] == 3


async def test_a_users_token_does_not_make_an_admin(issuer: Issuer, tmp_path: Path):
    async with club(issuer, tmp_path) as parts:
        client = Client(parts)
        await sign_in(client, issuer.token(is_admin=True))
        await client.add(0, "members:secret")
        assert client.results[0]["type"] == "QueryFailed"
        assert "Could not find" in (await client.mutation("members:hidden"))["result"]


async def test_a_refreshed_token_of_the_same_user_runs_nothing_again(issuer: Issuer, tmp_path: Path):
    async with club(issuer, tmp_path) as parts:
        client = Client(parts)
        await sign_in(client, issuer.token(jti="1"))
        await client.add(0, "members:me")
        await client.add(1, TOTAL, room="red")
        before, sent = runs(parts), len(client.sent)
        await sign_in(client, issuer.token(jti="2", exp=int(time.time()) + 7200))
        assert runs(parts) == before
        [confirmation] = [json.loads(message.payload) for message in client.sent[sent:]]
        assert confirmation["modifications"] == []
        assert confirmation["endVersion"]["identity"] == 2


async def test_another_user_runs_only_what_looks_at_who_asks(issuer: Issuer, tmp_path: Path):
    async with club(issuer, tmp_path) as parts:
        client, other = Client(parts), Client(parts)
        await sign_in(client, issuer.token())
        await sign_in(other, issuer.token())
        for each in (client, other):
            await each.add(0, "members:me")
            await each.add(1, TOTAL, room="red")
        before = dict(parts.runner.query_runs)
        told = other.transitions
        await sign_in(client, issuer.token("bob"))
        after = {path: count - before[path] for path, count in parts.runner.query_runs.items()}
        assert after == {"members:me": 1, TOTAL: 0}
        assert other.transitions == told


async def test_requests_behind_a_token_wait_for_its_keys(issuer: Issuer, tmp_path: Path):
    gate = threading.Event()
    issuer.replies[KEYS] = Reply(issuer.key_set(), gate=gate)
    async with club(issuer, tmp_path) as parts:
        client, other = Client(parts), Client(parts)
        before = client.request("Mutation", "members:who_writes")
        client.say("Authenticate", baseVersion=0, tokenType="User", value=issuer.token())
        behind = client.request("Mutation", "members:who_writes")
        client.modify({"type": "Add", "queryId": 0, "udfPath": "members:me", "args": [{}]})
        assert (await client.response(before))["result"] is None
        assert (await other.mutation(ADD, room="red", n=1))["success"], "nobody else waits"
        assert await other.add(0, TOTAL, room="red") == 1
        assert behind not in client.responses
        gate.set()
        assert (await client.response(behind))["result"] == f"{issuer.url}|ann"
        await client.until(lambda: 0 in client.results)
        assert client.value(0) == f"{issuer.url}|ann"
        assert client.version["identity"] == 1


async def test_a_client_that_leaves_while_its_token_is_checked(issuer: Issuer, tmp_path: Path):
    gate = threading.Event()
    issuer.replies[KEYS] = Reply(issuer.key_set(), gate=gate)
    async with club(issuer, tmp_path) as parts:
        client = Client(parts)
        client.say("Authenticate", baseVersion=0, tokenType="User", value=issuer.token())
        client.request("Mutation", ADD, room="red", n=1)
        client.drop()
        gate.set()
        other = Client(parts)
        await sign_in(other, issuer.token())
        assert await other.add(0, TOTAL, room="red") == 0


async def test_a_reload_that_takes_a_provider_away_while_its_token_is_checked(issuer: Issuer, tmp_path: Path):
    issuer.replies[KEYS] = Reply(gate=threading.Event())
    app = write(tmp_path / "app", f"providers = [{issuer.provider}]\n")
    async with engine(tmp_path / "data", app) as parts:
        client = Client(parts)
        client.say("Authenticate", baseVersion=0, tokenType="User", value=issuer.token())
        write(app, "providers = []\n")
        await parts.reload()
        await client.until(lambda: client.closed)
        assert client.closed == (1013, "AuthProviderDiscoveryFailed"), "it comes back, and is told"


async def test_a_server_that_stops_while_a_token_is_checked(
    issuer: Issuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    issuer.replies[KEYS] = Reply(gate=threading.Event())
    async with club(issuer, tmp_path) as parts:
        client = Client(parts)
        client.say("Authenticate", baseVersion=0, tokenType="User", value=issuer.token())
    assert client.closed == (1001, "")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("development", "No auth provider found matching the given token: it has iss"),
        ("production", "No auth provider found matching the given token"),
    ],
)
async def test_a_refused_token(issuer: Issuer, tmp_path: Path, mode: str, said: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    token = issuer.token(aud="elsewhere")
    async with club(issuer, tmp_path, mode=mode) as parts:
        client = Client(parts)
        await sign_in(client, issuer.token())
        await client.authenticate(tokenType="User", value=token)
        [error] = client.others
        assert error["error"].startswith(said)
        assert (error["error"] == said) == (mode == "production")
        assert (error["type"], error["baseVersion"], error["authUpdateAttempted"]) == ("AuthError", 1, True)
        assert client.closed == (None, "")
    assert "aud 'elsewhere'" in caplog.text
    assert not any(part in caplog.text for part in token.split("."))


async def test_an_issuer_that_is_down(issuer: Issuer, tmp_path: Path):
    issuer.replies[DISCOVERY] = Reply(status=503)
    async with club(issuer, tmp_path) as parts:
        client = Client(parts)
        await client.authenticate(tokenType="User", value=issuer.token())
        assert (client.closed, client.others) == ((1013, "AuthProviderDiscoveryFailed"), [])


async def test_expiry(issuer: Issuer, tmp_path: Path):
    ahead = 0

    def clock() -> int:
        return time.time_ns() + ahead

    async with club(issuer, tmp_path, clock=clock) as parts:
        ann, other = Client(parts), Client(parts)
        await sign_in(ann, issuer.token(exp=int(time.time()) + 60))
        assert await ann.add(0, TOTAL, room="red") == 0
        await other.add(0, TOTAL, room="red")
        ahead = 66 * 10**9
        answer = await other.mutation(ADD, room="red", n=1)
        await other.reach(timestamp(answer["ts"]))
        await ann.until(lambda: ann.closed)
        expired = {"error": "Convex token identity expired", "baseVersion": 1, "authUpdateAttempted": False}
        assert ann.others == [{"type": "AuthError", **expired}]
        assert ann.closed == (None, "")
        assert ann.value(0) == 0, "nothing is shown any more"
        assert other.closed is None


# Where providers are declared


def write(folder: Path, config: str) -> Path:
    (folder / "functions").mkdir(parents=True, exist_ok=True)
    (folder / "functions" / "who.py").write_text(
        "from reactor import query\n\n\n@query\nasync def me(ctx):\n    return await ctx.auth.get_user_identity()\n"
    )
    if config:
        (folder / "functions" / "auth_config.py").write_text(config)
    return folder


async def test_a_module_declares_providers_and_a_reload_exchanges_them(issuer: Issuer, tmp_path: Path):
    with Issuer(signing_key("second")) as other:
        app = write(tmp_path / "app", f"providers = [{issuer.provider}]\n")
        async with engine(tmp_path / "data", app) as parts:
            assert [function.path for function in parts.application.registry] == ["who:me"]
            early = Client(parts)
            await sign_in(early, issuer.token())
            write(app, f"providers = [{other.provider}]\n")
            await parts.reload()
            late = Client(parts)
            await sign_in(late, other.token("bob"))
            assert (await late.add(0, "who:me"))["subject"] == "bob"
            assert (await early.add(0, "who:me"))["subject"] == "ann", "who is signed in stays so"
            await early.authenticate(tokenType="User", value=issuer.token())
            assert early.others[0]["type"] == "AuthError"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("x = 1", "functions/auth_config.py declares no providers"),
        ("providers = 5", "functions/auth_config.py: providers must be a list"),
        ("providers = [{}]", "functions/auth_config.py: providers[0] lacks 'domain'"),
        ("providers = [5", "auth_config.py:1: SyntaxError"),
        ("from reactor import query\nproviders = []\n@query\ndef f(ctx): ...", "which is read for its providers only"),
    ],
)
async def test_a_wrong_module_is_refused_and_a_reload_keeps_the_old_one(
    issuer: Issuer, tmp_path: Path, config: str, said: str
):
    with pytest.raises(LoadError) as caught:
        async with engine(tmp_path / "data", write(tmp_path / "app", config)):
            pass
    assert said in str(caught.value)
    app = write(tmp_path / "good", f"providers = [{issuer.provider}]\n")
    async with engine(tmp_path / "data", app) as parts:
        write(app, config)
        with pytest.raises(LoadError):
            await parts.reload()
        await sign_in(Client(parts), issuer.token())


@pytest.mark.parametrize("name", ["auth.config.py", "auth.config.ts", "auth.config.js"])
async def test_a_file_of_the_official_name_is_not_passed_over_in_silence(tmp_path: Path, name: str):
    app = write(tmp_path / "app", "")
    (app / "functions" / name).write_text("")
    with pytest.raises(LoadError, match=f"functions/{name} is not read: providers stand in functions/auth_config.py"):
        async with engine(tmp_path / "data", app):
            pass


async def test_the_setting_takes_the_place_of_the_module(issuer: Issuer, tmp_path: Path):
    app = write(tmp_path / "app", "providers = [{'domain': 'https://login.example', 'applicationID': 'x'}]\n")
    async with engine(tmp_path / "data", app, auth_providers=(issuer.provider,)) as parts:
        await sign_in(Client(parts), issuer.token())
    async with engine(tmp_path / "data", app, auth_providers=()) as parts:
        client = Client(parts)
        await client.authenticate(tokenType="User", value=issuer.token())
        assert "this deployment has none" in client.others[0]["error"]
    with pytest.raises(SettingsError, match=r"auth_providers\[0\] lacks 'domain'"):
        async with engine(tmp_path / "data", app, auth_providers=({},)):
            pass
