"""Tokens that prove nothing, by every door: made with a real issuer's key, or by somebody who has none of them."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.integration.security.vault import Vault, admin, bearer
from tests.support.issuer import DISCOVERY, KEYS, Issuer, signing_key
from tests.support.sync_client import SyncClient

EVIL = signing_key("evil")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(issuer: Issuer, algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'kid': issuer.keys[-1].kid, 'typ': 'JWT'})}.{part(issuer.claims())}."


def by_public_key(issuer: Issuer, encoding: serialization.Encoding) -> str:
    """Signed as with a shared secret, by what the issuer publishes."""
    public = issuer.keys[-1].private.public_key()
    secret = public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': 'HS256', 'kid': issuer.keys[-1].kid, 'typ': 'JWT'})}.{part(issuer.claims())}"
    mac = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def by_evil(issuer: Issuer, **headers: Any) -> str:
    """Signed by a key that the token brings along, or says where to find."""
    return EVIL.sign(issuer.claims(), **{"kid": issuer.keys[-1].kid, **headers})


def changed(issuer: Issuer) -> str:
    """A good signature under another user's name."""
    head, _, signature = issuer.token("ann").split(".")
    return f"{head}.{part(issuer.claims('root'))}.{signature}"


def now() -> int:
    return int(time.time())


FORGED: dict[str, Callable[[Issuer], str]] = {
    "a wrong key": lambda issuer: by_evil(issuer),
    "a key id that nobody has": lambda issuer: EVIL.sign(issuer.claims()),
    "no algorithm": lambda issuer: unsigned(issuer, "none"),
    "no algorithm, spelled otherwise": lambda issuer: unsigned(issuer, "nOnE"),
    "no signature": lambda issuer: unsigned(issuer, "RS256"),
    "the public key as a secret, PEM": lambda issuer: by_public_key(issuer, serialization.Encoding.PEM),
    "the public key as a secret, DER": lambda issuer: by_public_key(issuer, serialization.Encoding.DER),
    "an embedded key": lambda issuer: by_evil(issuer, jwk=EVIL.public),
    "an embedded key and its id": lambda issuer: by_evil(issuer, jwk=EVIL.public, kid="evil"),
    "an address of keys": lambda issuer: by_evil(issuer, jku=f"{issuer.url}/evil"),
    "an address of a certificate": lambda issuer: by_evil(issuer, x5u=f"{issuer.url}/evil"),
    "a certificate": lambda issuer: by_evil(issuer, x5c=["MIIB"]),
    "a path as key id": lambda issuer: by_evil(issuer, kid="../../../../dev/null"),
    "something that must be understood": lambda issuer: issuer.token(headers={"crit": ["x"], "x": 1}),
    "another payload": changed,
    "another issuer": lambda issuer: issuer.token(iss="https://evil.example"),
    "an issuer that begins alike": lambda issuer: issuer.token(iss=f"{issuer.name}.evil.example"),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "another audience": lambda issuer: issuer.token(aud="another"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "nobody": lambda issuer: issuer.token(sub=None),
    "a time that is over": lambda issuer: issuer.token(exp=now() - 60),
    "no end": lambda issuer: issuer.token(exp=None),
    "a time to come": lambda issuer: issuer.token(nbf=now() + 3600),
    "an issue to come": lambda issuer: issuer.token(iat=now() + 3600),
    "too much": lambda issuer: issuer.token(more="x" * 40_000),
    "a secret key's algorithm": lambda issuer: jwt.encode(issuer.claims(), "x" * 32, "HS256"),
    "not a token": lambda issuer: "a.b.c",
    "nothing": lambda issuer: "..",
}


def test_a_good_token_is_somebody(vault: Vault):
    assert vault.value("query", "vault:me", bearer(vault.issuer.token("ann"))) == "ann"


@pytest.mark.parametrize("name", FORGED)
def test_over_http(vault: Vault, name: str):
    vault.value("query", "vault:me", bearer(vault.issuer.token()))  # its keys have been fetched
    before = len(vault.issuer.requests)
    answer = vault.call("query", "vault:me", bearer(FORGED[name](vault.issuer)))
    assert answer.status_code == 401, answer.text
    assert "value" not in answer.json()
    assert set(vault.issuer.requests[before:]) <= {DISCOVERY, KEYS}, "no address is fetched that a token names"


@pytest.mark.parametrize("name", FORGED)
async def test_over_a_socket(vault: Vault, name: str):
    token = FORGED[name](vault.issuer)
    async with SyncClient(vault.server.url) as client:
        await client.send(type="Authenticate", tokenType="User", value=token, baseVersion=0)
        await client.modify({"type": "Add", "queryId": 0, "udfPath": "vault:me", "args": [{}]})
        await client.until_ended()
        assert [message["type"] for message in client.messages] == ["AuthError"]
        assert client.results.get(0) is None


@pytest.mark.parametrize("path", ["/api/mutation", "/api/action", "/api/query_batch", "/api/run/vault/write"])
def test_a_forged_token_runs_nothing(vault: Vault, path: str):
    body = {"path": "vault:write", "args": {"owner": "forged", "text": "x"}}
    body |= {"queries": [{"path": "vault:me", "args": {}}]}
    assert vault.http.post(path, json=body, headers=bearer(by_evil(vault.issuer))).status_code == 401
    assert vault.value("query", "vault:notes_of", owner="forged") == []


def test_a_token_in_a_cookie_or_in_the_address_is_nobodys(vault: Vault):
    token = vault.issuer.token("ann")
    body = {"path": "vault:me", "args": {}}
    answer = vault.http.post(f"/api/query?token={token}", json=body, headers={"Cookie": f"token={token}; jwt={token}"})
    assert answer.json()["value"] is None


# The admin key


@pytest.mark.parametrize(
    "header", ["Convex vault|wrong", "Convex ", "Convex vault|", "Bearer vault|wrong", "Basic eA=="]
)
async def test_acting_as_somebody_needs_the_right_key(vault: Vault, header: str):
    ann = base64.b64encode(b'{"subject":"ann","issuer":"https://i.example"}').decode()
    assert vault.value("query", "vault:me", admin(f":{ann}")) == "ann"
    answer = vault.call("query", "vault:me", {"Authorization": f"{header}:{ann}"})
    assert answer.status_code in (400, 401)
    async with SyncClient(vault.server.url) as client:
        key = header.partition(" ")[2]
        attributes = {"subject": "ann", "issuer": "https://i.example"}
        await client.send(type="Authenticate", tokenType="Admin", value=key, impersonating=attributes, baseVersion=0)
        await client.modify({"type": "Add", "queryId": 0, "udfPath": "vault:me", "args": [{}]})
        await client.until_ended()
        assert client.results == {}


def test_a_user_cannot_act_as_somebody(vault: Vault):
    token, ann = vault.issuer.token("bob"), base64.b64encode(b'{"subject":"ann"}').decode()
    assert vault.call("query", "vault:me", bearer(f"{token}:{ann}")).status_code == 401
