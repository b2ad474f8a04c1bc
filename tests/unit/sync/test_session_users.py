"""Sessions of users: a token that takes time to check, one that expires, one that is refreshed."""

from typing import Any

import pytest

from reactor.errors import KeysUnavailable, TokenRefused
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.sync import session
from reactor.sync.moment import Moment
from tests.unit.sync.recording import RecordingHost, result, ts_text, updated

ANN = {"tokenIdentifier": "school|ann", "issuer": "school", "subject": "ann"}


def user(seconds: float | None = None, **more: Any) -> Identity:
    """Ann; her token ends so many seconds after the clock's time."""
    expires = None if seconds is None else 1_700_000_000 + seconds
    return Identity({**ANN, **more}, expires=expires)


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost()


def authenticate(host: RecordingHost, base: int = 0, token: str = "a token") -> None:
    host.say("Authenticate", baseVersion=base, tokenType="User", value=token)


def become(host: RecordingHost, identity: Identity, base: int = 0) -> None:
    authenticate(host, base)
    host.session.answer_authentication(identity, None)


def auth_error(host: RecordingHost) -> dict[str, Any]:
    [message] = host.heard()
    assert message.pop("type") == "AuthError"
    assert host.closed == (None, "")
    return message


# Waiting


def test_what_comes_behind_a_token_waits_and_keeps_its_order(host: RecordingHost):
    host.mutate_with(0)
    authenticate(host)
    host.mutate_with(1)
    host.modify(0, host.add(7))
    host.say("Action", requestId=2, udfPath="rooms:act", args=[{}])
    assert [number for number, _ in host.mutations] == [0]
    assert (host.watched, host.actions, host.asked) == ({}, [], ["a token"])
    ann = user()
    host.session.answer_authentication(ann, None)
    assert [(number, call.identity) for number, call in host.mutations] == [(0, ANONYMOUS), (1, ann)]
    assert list(host.watched) == [7]
    assert host.actions[0][1].identity is ann
    host.gives(7, updated(b"7"))
    [step] = host.advance()
    assert step["endVersion"] == {"querySet": 1, "identity": 1, "ts": ts_text(100)}


def test_several_tokens_are_checked_one_after_another(host: RecordingHost):
    first, second = user(name="first"), user(name="second")
    authenticate(host, 0, "first")
    host.mutate_with(0)
    authenticate(host, 1, "second")
    host.mutate_with(1)
    host.say("Authenticate", baseVersion=2, tokenType="None")
    host.mutate_with(2)
    assert host.asked == ["first"]
    host.session.answer_authentication(first, None)
    assert host.asked == ["first", "second"]
    host.session.answer_authentication(second, None)
    assert [call.identity for _, call in host.mutations] == [first, second, ANONYMOUS]


def test_results_go_on_coming_meanwhile(host: RecordingHost):
    host.modify(0, host.add(0))
    host.gives(0, updated(b"1"))
    host.advance(100)
    authenticate(host)
    host.gives(0, updated(b"2"))
    [step] = host.advance(110)
    assert step["endVersion"]["identity"] == 0
    assert step["modifications"][0]["value"] == 2


def test_malformed_messages_wait_their_turn_too(host: RecordingHost):
    authenticate(host)
    host.session.receive(b"{")
    assert (host.heard(), host.closed) == ([], None)
    host.session.answer_authentication(user(), None)
    assert host.heard()[0]["type"] == "FatalError"


def test_only_so_much_may_wait(host: RecordingHost, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "MOST_HELD_BYTES", 1000)
    authenticate(host)
    for number in range(5):
        host.say("Mutation", requestId=number, udfPath="a:b", args=["x" * 200])
    assert host.closed == (1013, "TooManyConcurrentRequests")
    host.session.answer_authentication(user(), None)
    assert host.mutations == []


def test_empty_messages_are_not_free(host: RecordingHost, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "MOST_HELD_BYTES", 1000)
    authenticate(host)
    for _ in range(20):
        host.session.receive(b"")
    assert host.closed == (1013, "TooManyConcurrentRequests")


def test_a_client_that_left_is_not_answered(host: RecordingHost):
    authenticate(host)
    host.mutate_with(0)
    host.session.ended()
    host.session.answer_authentication(user(), None)
    assert (host.session.identity, host.mutations, host.heard()) == (ANONYMOUS, [], [])


# Refusals


def test_a_refused_token_ends_the_session_and_what_waits_behind_it(host: RecordingHost):
    host.say("Authenticate", baseVersion=0, tokenType="None")
    authenticate(host, 1)
    host.mutate_with(0)
    host.session.answer_authentication(None, TokenRefused("no", "because"))
    assert auth_error(host) == {"error": "no: because", "baseVersion": 1, "authUpdateAttempted": True}
    assert host.mutations == []


def test_keys_that_cannot_be_had_are_no_reason_to_give_up(host: RecordingHost):
    authenticate(host)
    host.session.answer_authentication(None, KeysUnavailable("later"))
    assert (host.closed, host.heard()) == ((1013, "AuthProviderDiscoveryFailed"), [])


def test_a_fault_of_ours(host: RecordingHost):
    authenticate(host)
    host.session.answer_authentication(None, ZeroDivisionError())
    assert (host.closed, host.heard()) == ((1011, "InternalServerError"), [])


# Expiry


@pytest.mark.parametrize("what", ["mutation", "action", "update"])
def test_an_expired_token_is_noticed_when_something_is_asked(host: RecordingHost, what: str):
    become(host, user(60))
    host.advance()
    host.clock_ns += 60 * 10**9 - 1000
    host.mutate_with(0)
    host.session.answer_mutation(0, result(b"1", ts=101))
    host.advance(101)
    host.clock_ns += 1000
    assert host.closed is None, "there is no timer"
    if what == "mutation":
        host.mutate_with(1)
    elif what == "action":
        host.say("Action", requestId=2, udfPath="rooms:act", args=[{}])
    else:
        assert not host.session.advance(Moment(host.ts))
    error = {"error": "Convex token identity expired", "baseVersion": 1, "authUpdateAttempted": False}
    assert auth_error(host) == error
    assert [number for number, _ in host.mutations] == [0]
    assert host.actions == []


def test_nothing_new_is_shown_after_the_end(host: RecordingHost):
    become(host, user(60))
    host.modify(0, host.add(0))
    host.gives(0, updated(b'"before"'))
    host.advance(110)
    host.clock_ns += 61 * 10**9
    host.gives(0, updated(b'"after"'))
    [message] = host.advance(120)
    assert message["type"] == "AuthError"


def test_a_new_token_comes_in_time_though_it_takes_time(host: RecordingHost):
    become(host, user(60))
    host.modify(0, host.add(0))
    host.gives(0, updated(b"1"))
    host.advance()
    authenticate(host, 1)
    host.clock_ns += 61 * 10**9
    host.mutate_with(0)
    host.gives(0, updated(b"2"))
    assert host.advance(110) == [], "the old one shows nothing any more"
    assert host.closed is None
    host.session.answer_authentication(user(120), None)
    [step] = host.advance(120)
    assert step["endVersion"]["identity"] == 2
    assert step["modifications"][0]["value"] == 2
    assert len(host.mutations) == 1


def test_while_a_good_token_is_renewed_results_go_on_coming(host: RecordingHost):
    become(host, user(60))
    host.modify(0, host.add(0))
    host.gives(0, updated(b"1"))
    host.advance()
    authenticate(host, 1)
    host.gives(0, updated(b"2"))
    [step] = host.advance(110)
    assert step["endVersion"]["identity"] == 1


def test_who_signs_out_expires_no_more(host: RecordingHost):
    become(host, user(60))
    host.say("Authenticate", baseVersion=1, tokenType="None")
    host.clock_ns += 61 * 10**9
    host.mutate_with(0)
    assert len(host.mutations) == 1
    assert host.closed is None


def test_without_an_end_it_is_for_ever(host: RecordingHost):
    become(host, user())
    host.clock_ns += 10**18
    host.mutate_with(0)
    assert len(host.mutations) == 1
