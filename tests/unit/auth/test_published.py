"""Where discovery may send the server."""

import json

import pytest

from reactor.auth import published
from reactor.auth.fetching import FetchFailed
from reactor.auth.providers import OidcProvider

ISSUER = "https://login.example"


@pytest.mark.parametrize("target", ["https://127.0.0.1/keys", "https://localhost:9000/", "http://[::1]/keys"])
async def test_an_issuer_elsewhere_cannot_send_it_to_its_own_machine(target: str, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    async def fetch(url: str, accepted: frozenset[str], *, seconds: float) -> bytes:
        asked.append(url)
        return json.dumps({"issuer": ISSUER, "jwks_uri": target}).encode()

    monkeypatch.setattr(published, "fetch", fetch)
    with pytest.raises(FetchFailed, match="on this machine, which is not followed") as caught:
        await published.published(OidcProvider(ISSUER, "app"), seconds=1)
    assert caught.value.lasting
    assert asked == [f"{ISSUER}/.well-known/openid-configuration"]
