"""When an issuer is asked for its keys, and when not; its clock is turned by hand."""

import asyncio
import json

import pytest

from reactor.auth.fetching import FetchFailed
from reactor.auth.key_set import KeySet, parse_key_set
from reactor.auth.key_source import KeySource
from reactor.auth.published import Published
from tests.support.issuer import SigningKey, signing_key

KEPT, PAUSE = 300.0, 10.0


def key_set(*keys: SigningKey) -> KeySet:
    return parse_key_set(json.dumps({"keys": [key.public for key in keys]}).encode())


class Provider:
    """What stands behind the source: counts how often it is asked, and answers when `gate` is open."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.keys = key_set(signing_key("first"))
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.source = KeySource(self.load, kept=KEPT, pause=PAUSE, clock=lambda: self.now)

    async def load(self) -> Published:
        self.asked += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Published(self.keys)

    async def has(self, kid: str) -> bool:
        return bool(await self.source.find(kid, "RS256"))


async def settle() -> None:
    """Let tasks that wait for nothing end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_keys_are_kept():
    provider = Provider()
    for provider.now in (0, 1, KEPT):
        assert await provider.has("first")
    assert provider.asked == 1


async def test_older_keys_are_renewed_beside_the_work():
    provider = Provider()
    await provider.has("first")
    provider.now = KEPT + 1
    provider.gate.clear()
    assert await provider.has("first"), "nobody waits"
    assert await provider.has("first")
    await settle()
    assert provider.asked == 2
    provider.keys = key_set(signing_key("second"))
    provider.gate.set()
    await settle()
    assert not await provider.has("first")


async def test_keys_that_nobody_used_for_long_are_renewed_first():
    provider = Provider()
    await provider.has("first")
    provider.keys = key_set(signing_key("second"))
    provider.now = 2 * KEPT + 1
    assert not await provider.has("first"), "it was withdrawn"
    assert provider.asked == 2


async def test_an_unknown_key_id_renews_at_most_once_in_a_pause():
    provider = Provider()
    assert not await provider.has("second")
    provider.keys = key_set(signing_key("second"))
    provider.now = PAUSE - 1
    assert not await provider.has("second")
    assert provider.asked == 1
    provider.now = PAUSE
    assert await provider.has("second")
    assert provider.asked == 2
    for _ in range(100):
        assert not await provider.has("third")
    assert provider.asked == 2


async def test_the_pause_counts_from_the_end_of_a_slow_answer():
    provider = Provider()
    provider.gate.clear()
    waiting = asyncio.ensure_future(provider.has("first"))
    await settle()
    provider.now = 100
    provider.gate.set()
    assert await waiting
    provider.now = 100 + PAUSE - 1
    assert not await provider.has("second")
    assert provider.asked == 1


async def test_all_who_wait_are_answered_by_one_request():
    provider = Provider()
    provider.gate.clear()
    waiting = [asyncio.ensure_future(provider.has("first")) for _ in range(10)]
    await settle()
    waiting[0].cancel()
    await settle()
    provider.gate.set()
    assert all(await asyncio.gather(*waiting[1:])), "one that gives up does not take the others along"
    assert provider.asked == 1


@pytest.mark.parametrize("lasting", [True, False])
async def test_a_failure_is_remembered_for_a_pause(lasting: bool):
    provider = Provider()
    provider.failure = FetchFailed("it is down", lasting=lasting)
    for _ in range(3):
        with pytest.raises(FetchFailed, match="it is down") as caught:
            await provider.has("first")
        assert caught.value.lasting == lasting
    assert provider.asked == 1
    provider.now, provider.failure = PAUSE, None
    assert await provider.has("first")


@pytest.mark.parametrize("age", [KEPT + 1, 2 * KEPT + 1, 1000 * KEPT])
async def test_keys_stay_in_use_while_the_issuer_is_down(age: float, caplog: pytest.LogCaptureFixture):
    provider = Provider()
    await provider.has("first")
    provider.failure = FetchFailed("it is down", lasting=False)
    provider.now = age
    assert await provider.has("first")
    await settle()
    assert await provider.has("first")
    assert provider.asked == 2
    assert "it is down. The keys from before stay in use." in caplog.text
    provider.gate.clear()
    provider.now += PAUSE
    assert await provider.has("first"), "nobody waits for it again and again"
    await settle()
    assert provider.asked == 3
    provider.source.close()


async def test_a_fault_of_ours_is_a_failure_too(caplog: pytest.LogCaptureFixture):
    provider = Provider()
    provider.failure = ZeroDivisionError("oh")
    with pytest.raises(FetchFailed, match="a fault of the server: ZeroDivisionError") as caught:
        await provider.has("first")
    assert not caught.value.lasting
    assert "oh" in caplog.text


async def test_closing_ends_a_request():
    provider = Provider()
    provider.gate.clear()
    waiting = asyncio.ensure_future(provider.has("first"))
    await settle()
    provider.source.close()
    with pytest.raises(FetchFailed, match="taken away"):
        await waiting
