"""Users of the official clients: signing in, refreshing, being refused, signing out."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.support.issuer import Issuer
from tests.support.patience import until
from tests.support.script import Script, node, python
from tests.support.server import Server

LEEWAY = 300
"""Seconds that the server allows clocks to differ: so much before and after its times a token is good."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def club(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {
        "REACTOR_AUTH_PROVIDERS": json.dumps([issuer.provider]),
        "REACTOR_AUTH_LEEWAY_SECONDS": str(LEEWAY),
    }
    data = tmp_path_factory.mktemp("club") / "data"
    with Server("club", data, command="dev", environment=environment) as server:
        yield server
        assert "eyJ" not in server.log, "no token stands in the log"


def signed_in(script: Script, value: bool = True) -> None:
    script.next("authenticated", where=lambda event: event["authenticated"] is value)


def grant(script: Script, token: str | None) -> bool:
    """Answer the client's next wish for a token; whether it insisted on a fresh one."""
    forced = script.next("wish")["forced"]
    script.order(token=token)
    return forced


# npm


def test_a_user_comes_and_goes(club: Server, issuer: Issuer):
    token, ann = issuer.token(name="Ann"), f"{issuer.url}|ann"
    with node("auth_client.mjs", club.url, scene="life", room="life") as script:
        assert grant(script, token) is False
        assert grant(script, token) is True
        script.order(leave=True)
        script.finish()
    assert script.of("before")[0]["who"] is None
    assert script.of("wrote")[0]["who"] == ann
    assert script.of("acted")[0]["who"] == [ann] * 3
    assert script.of("asked")[0]["who"] == "Ann"
    assert script.of("after")[0]["who"] is None
    shown = [event["who"] for event in script.of("me")]
    assert shown[0] is None
    assert shown.count(ann) == 1, "told once, though the token was confirmed twice"
    assert len(script.of("total")) == 1, "a query that does not look at who asks is not told again"


def test_a_token_is_refreshed_before_it_ends(club: Server, issuer: Issuer):
    now = int(time.time())

    def short(number: int) -> str:
        return issuer.token(iat=now + 200 + number, exp=now + 204 + number)

    tokens = [short(number) for number in range(4)]
    with node("auth_client.mjs", club.url, scene="staying", tokens=tokens, leeway=3) as script:
        while len(script.of("wish")) < 5:
            script.next("wish")
        script.order(write=True)
        assert script.next("wrote")["who"] == f"{issuer.url}|ann"
        script.order(done=True)
        script.finish()
    assert [event["who"] for event in script.of("me")] == [f"{issuer.url}|ann"]
    assert all(event["authenticated"] for event in script.of("authenticated"))


def test_a_token_that_ends_while_connected_is_replaced(club: Server, issuer: Issuer):
    end = int(time.time()) + 2
    old = issuer.token(iat=end - LEEWAY - 60, exp=end - LEEWAY, name="old")
    fresh = issuer.token(name="fresh")
    with node("auth_client.mjs", club.url, scene="staying", tokens=[old, old, fresh]) as script:
        signed_in(script)
        until(lambda: time.time() > end, "the end of the token")
        script.order(write=True)
        assert script.next("wrote")["who"] == f"{issuer.url}|ann", "sent again with the fresh token"
        script.order(done=True)
        script.finish()
    assert script.of("wish")[-1]["forced"] is True
    assert [event["authenticated"] for event in script.of("authenticated")][-1] is True


def test_a_refused_token_is_replaced_by_a_fresh_one(club: Server, issuer: Issuer):
    tokens = [issuer.token(aud="elsewhere"), issuer.token()]
    with node("auth_client.mjs", club.url, scene="staying", tokens=tokens) as script:
        signed_in(script)
        script.next("me", where=lambda event: event["who"] == f"{issuer.url}|ann")
        script.order(done=True)
        script.finish()
    wishes = [event["forced"] for event in script.of("wish")]
    assert wishes[:2] == [False, True]
    assert not any(event["authenticated"] is False for event in script.of("authenticated"))


def test_a_client_gives_up_after_several_refusals_and_says_why(club: Server, issuer: Issuer):
    tokens = [issuer.token(aud="elsewhere", jti=str(number)) for number in range(10)]
    with node("auth_client.mjs", club.url, scene="staying", tokens=tokens) as script:
        signed_in(script, False)
        script.next("me", where=lambda event: event["who"] is None)
        script.order(write=True)
        assert script.next("wrote")["who"] is None, "it goes on as nobody"
        script.order(done=True)
        script.finish()
    said = " ".join(event["text"] for event in script.of("console"))
    assert 'Failed to authenticate: "No auth provider found matching the given token' in said
    assert "aud 'elsewhere'" in said
    assert 3 <= len(script.of("wish")) <= 6


def test_a_client_that_expects_to_sign_in_says_nothing_before(club: Server, issuer: Issuer):
    ann, token = f"{issuer.url}|ann", issuer.token()
    with node("auth_client.mjs", club.url, scene="expecting") as script:
        assert grant(script, token) is False
        assert grant(script, token) is True
        script.finish()
    assert script.of("wrote")[0]["who"] == ann
    assert [event["who"] for event in script.of("me")] == [ann]


def test_the_http_client(club: Server, issuer: Issuer):
    ann = f"{issuer.url}|ann"
    with node("auth_client.mjs", club.url, scene="http") as script:
        script.order(token=issuer.token())
        script.order(token=issuer.token(aud="elsewhere"))
        script.finish()
    assert script.of("asked")[0]["who"] == script.of("wrote")[0]["who"] == ann
    assert script.of("acted")[0]["who"] == [ann] * 3
    assert '"code":"NoAuthProvider"' in script.of("refused")[0]["message"]
    assert script.of("after")[0]["who"] is None


# React


def test_a_page_shows_who_is_signed_in(club: Server, issuer: Issuer):
    ann, bob = f"{issuer.url}|ann", f"{issuer.url}|bob"
    with node("react_auth_client.mjs", club.url) as script:
        script.next(
            "state", where=lambda event: event == {"event": "state", "isLoading": False, "isAuthenticated": False}
        )
        script.order(what="look")
        assert script.next("page")["text"] == "nobody"
        script.order(token=issuer.token())
        assert script.next("me")["who"] == ann
        script.order(what="write")
        assert script.next("wrote")["who"] == ann
        script.order(what="look")
        assert script.next("page")["text"] == ann
        script.order(token=issuer.token("bob"))
        script.next("me", where=lambda event: event["who"] == bob)
        script.order(token=None)
        script.next("state", where=lambda event: not event["isLoading"] and not event["isAuthenticated"])
        script.order(what="look")
        assert script.next("page")["text"] == "nobody"
        script.order(done=True)
        script.finish()
    assert None not in [event["who"] for event in script.of("me")], "what is shown to users is never asked as nobody"


# PyPI


def test_the_python_client(club: Server, issuer: Issuer):
    ann = f"{issuer.url}|ann"
    with python("python_client.py", club.url, scene="signing_in", token=issuer.token()) as script:
        script.finish()
    assert script.of("before")[0]["who"] is None
    assert script.of("asked")[0]["who"] == script.of("wrote")[0]["who"] == ann
    assert script.of("acted")[0]["who"] == [ann] * 3
    assert script.of("after")[0]["who"] is None
    assert [event["who"] for event in script.of("me")] == [None, ann, None]
