"""Whatever a WebSocket client sends, the server goes on: no crash, no session that hangs, nothing kept of sessions.

Mutants write, so the database grows, and the caches of its pages and documents fill. These are kept small here: what
memory then grows by is what sessions leave behind. That is known of 10,000 sessions that wrote, so that a mutation that
is sent again is found without asking the database: about a megabyte.

The seed is printed; FUZZ_SEED=… plays the same again, FUZZ_MESSAGES=… plays more or fewer.
"""

import os
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.support.fuzz import mutants
from tests.support.fuzz.campaign import checked, play, reduced, round_of
from tests.support.fuzz.mutants import mutant
from tests.support.profile import NIGHTLY
from tests.support.server import Server

MEBIBYTE = 2**20
CACHES = {"REACTOR_PAGE_CACHE_BYTES": "64 KiB", "REACTOR_DOCUMENT_CACHE_BYTES": "0", "REACTOR_RESULT_CACHE_BYTES": "0"}
MOST_GROWTH = 4 * MEBIBYTE
"""Of this, one is the numbers of sessions that wrote; the others are for how Python's and the system's heap fall."""

MESSAGES = int(os.environ.get("FUZZ_MESSAGES") or (1_000_000 if NIGHTLY else 12_000))
ROUNDS = 20 if NIGHTLY else 4
SEED = os.environ.get("FUZZ_SEED") or str(random.randrange(2**32))
SESSIONS_IN_A_BATCH = 200

REGRESSIONS: dict[str, tuple[list[str], bool]] = {
    "nothing at all": ([], True),
    "a length of 2^64 - 1": (["81ffffffffffffffffff"], False),
    "a text that is no UTF-8": (["8182000000" + "00" + "c328"], True),
    "a fragment that never goes on": (["0181000000007b"], True),
    "a continuation of nothing": (["8081000000007b"], True),
    "a close of one byte": (["88810000000003"], True),
    "brackets without end": (["81fe138800000000" + "5b" * 5_000], True),
}
"""Name: the frames in hex and whether they are sound; what mutants found is added here."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("faults", tmp_path_factory.mktemp("fuzz") / "data", environment=CACHES) as server:
        yield server


@pytest.mark.parametrize("name", REGRESSIONS)
async def test_frames_that_once_were_or_could_be_trouble(server: Server, name: str) -> None:
    frames, framed = REGRESSIONS[name]
    end = len(server.log.encode())
    await play(server.port, [bytes.fromhex(frame) for frame in frames], framed=framed)
    await checked(server, end)


@pytest.mark.timeout(7_200 if NIGHTLY else 120)
async def test_mutated_conversations(server: Server) -> None:
    print(f"FUZZ_SEED={SEED}")
    sent, number, seen = 0, 0, 0
    memory: list[int] = []
    began = time.perf_counter()
    for turn in range(1, ROUNDS + 1):
        while sent < MESSAGES * turn / ROUNDS:
            seeds = [f"{SEED}/{at}" for at in range(number, number + SESSIONS_IN_A_BATCH)]
            sent, number = sent + await round_of(server, seeds), number + SESSIONS_IN_A_BATCH
        seen = await checked(server, seen)
        memory.append(server.memory())
        print(f"{sent} messages, {number} sessions, {memory[-1] / MEBIBYTE:.1f} MiB")
    print(f"{sent / (time.perf_counter() - began):.0f} messages/s")
    warm = memory[ROUNDS // 4]
    assert memory[-1] - warm < MOST_GROWTH, f"MiB after each round: {[size // MEBIBYTE for size in memory]}"


def test_a_seed_makes_the_same_bytes() -> None:
    assert [mutant(str(seed)) for seed in range(200)] == [mutant(str(seed)) for seed in range(200)]


def test_a_mutant_leaves_nothing_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    odd: list[Any] = [{}, [[]]]
    monkeypatch.setattr(mutants, "_ODD_VALUES", odd)
    for seed in range(1_000):
        mutant(str(seed))
    assert odd == [{}, [[]]]


async def test_a_failing_conversation_is_reduced() -> None:
    async def fails(frames: Sequence[bytes]) -> bool:
        return b"b" in frames and b"d" in frames

    assert await reduced([b"a", b"b", b"c", b"d", b"e"], fails) == [b"b", b"d"]
