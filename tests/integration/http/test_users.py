"""Users with tokens over HTTP."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.http.api import Api, admin_header, open_api, refused
from tests.support.issuer import DISCOVERY, KEYS, Issuer, Reply, signing_key


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
async def club(issuer: Issuer, tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path / "data", "club", auth_providers=(issuer.provider,)) as api:
        yield api


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_user_calls_every_kind_of_function(club: Api, issuer: Issuer):
    ann, headers = f"{issuer.url}|ann", bearer(issuer.token())
    assert await club.value("query", "members:me", headers=headers) == ann
    assert await club.value("mutation", "members:who_writes", headers=headers) == ann
    assert await club.value("action", "members:who_acts", headers=headers) == [ann, ann, ann]
    answer = await club.http.get("/api/query", params={"path": "members:me"}, headers=headers)
    assert answer.json()["value"] == ann
    answer = await club.http.post("/api/run/members/me", json={}, headers=headers)
    assert answer.json()["value"] == ann
    ts = (await club.http.post("/api/query_ts")).json()["ts"]
    assert await club.value("query_at_ts", "members:me", headers=headers, ts=ts) == ann
    batch = {"queries": [{"path": "members:me"}] * 2}
    answer = await club.http.post("/api/query_batch", json=batch, headers=headers)
    assert [result["value"] for result in answer.json()["results"]] == [ann, ann]


async def test_every_user_gets_an_answer_of_his_own(club: Api, issuer: Issuer):
    for subject in ("ann", "bob", "ann"):
        headers = bearer(issuer.token(subject))
        assert await club.value("query", "members:me", headers=headers) == f"{issuer.url}|{subject}"
    assert await club.value("query", "members:me") is None
    acting = admin_header({"issuer": issuer.url, "subject": "cid"})
    assert await club.value("query", "members:me", headers=acting) == f"{issuer.url}|cid"
    assert await club.value("query", "members:me", headers=admin_header()) is None


async def test_what_a_function_does_to_an_identity_stays_its_own(club: Api, issuer: Issuer):
    headers = bearer(issuer.token(roles=["member"], preferred_username="ann"))
    expected = {
        "tokenIdentifier": f"{issuer.url}|ann",
        "issuer": issuer.url,
        "subject": "ann",
        "preferredUsername": "ann",
        "roles": ["member"],
    }
    for _ in range(2):
        assert await club.value("query", "members:me_whole", headers=headers) == expected


async def test_a_user_is_no_admin(club: Api, issuer: Issuer):
    headers = bearer(issuer.token())
    assert "Could not find public function" in await club.failure("query", "members:secret", headers=headers)
    refused(await club.post("function", "members:me", headers=headers), 403, "BadDeployKey")
    refused(await club.http.get("/api/reactor/live", headers=headers), 403, "BadDeployKey")


@pytest.mark.parametrize(
    ("claims", "code", "said"),
    [
        ({"aud": "elsewhere"}, "NoAuthProvider", "aud 'elsewhere'"),
        ({"iss": "https://elsewhere.example"}, "NoAuthProvider", "iss 'https://elsewhere.example'"),
        ({"exp": 5}, "Unauthenticated", "exp: it expired at 1970"),
        ({"iss": None}, "Unauthenticated", "Missing issuer claim ('iss')"),
    ],
)
@pytest.mark.parametrize("endpoint", ["query", "mutation", "action"])
async def test_a_token_that_proves_nothing(
    club: Api, issuer: Issuer, endpoint: str, claims: dict[str, Any], code: str, said: str
):
    response = await club.post(endpoint, "members:me", headers=bearer(issuer.token(**claims)))
    assert said in refused(response, 401, code)


async def test_a_refused_mutation_does_not_run(club: Api, issuer: Issuer):
    forged = signing_key("forged")._replace(kid="first").sign(issuer.claims())
    response = await club.post("mutation", "visits:add", {"room": "red", "n": 1}, headers=bearer(forged))
    assert "signature" in refused(response, 401, "Unauthenticated")
    assert await club.value("query", "visits:list", {"room": "red"}) == []


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 40_000])
async def test_what_is_no_token(club: Api, token: str):
    response = await club.post("query", "members:me", headers=bearer(token))
    refused(response, 401, "InvalidAuthHeader")


async def test_in_production_the_reason_stays_in_the_log(
    issuer: Issuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    async with open_api(tmp_path / "data", "club", auth_providers=(issuer.provider,), mode="production") as api:
        response = await api.post("query", "members:me", headers=bearer(issuer.token(exp=5)))
        assert refused(response, 401, "Unauthenticated") == "Could not verify OIDC token claim"
    assert "exp: it expired at 1970" in caplog.text


async def test_an_issuer_that_is_down(club: Api, issuer: Issuer):
    issuer.replies[DISCOVERY] = Reply(status=502)
    response = await club.post("query", "members:me", headers=bearer(issuer.token()))
    assert "Try again later" in refused(response, 503, "AuthProviderDiscoveryFailed")
    assert await club.value("query", "members:me") is None


async def test_nobody_waits_for_another_ones_keys(club: Api, issuer: Issuer):
    gate = threading.Event()
    issuer.replies[KEYS] = Reply(issuer.key_set(), gate=gate)
    waiting = [
        asyncio.ensure_future(club.value("query", "members:me", headers=bearer(issuer.token()))) for _ in range(5)
    ]
    assert await club.value("mutation", "visits:add", {"room": "red", "n": 1}) == 1
    assert not any(call.done() for call in waiting)
    gate.set()
    assert await asyncio.gather(*waiting) == [f"{issuer.url}|ann"] * 5
    assert issuer.requests == [DISCOVERY, KEYS]


async def test_a_deployment_without_providers_says_how_to_declare_them(api: Api, issuer: Issuer):
    response = await api.post("query", "members:me", headers=bearer(issuer.token()))
    assert "functions/auth_config.py" in refused(response, 401, "NoAuthProvider")
