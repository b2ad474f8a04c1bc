"""Testing applications: the real engine in memory, with a clock to turn.

    from reactor.testing import Backend

    async def test_a_message_is_seen():
        async with Backend("path/to/app") as backend:
            await backend.mutation("messages:send", channel="general", author="Ada", text="Hello")
            assert len(await backend.query("messages:newest", channel="general")) == 1

With pytest there is a fixture `reactor`, which is an open backend with no data.
"""

from typing import TYPE_CHECKING

from reactor.exports import on_demand

if TYPE_CHECKING:
    from reactor.store.memory import MemoryStore
    from reactor.testing.backend import Backend
    from reactor.testing.caller import Caller
    from reactor.testing.clock import Clock
    from reactor.testing.log_lines import LogLine, Logs
    from reactor.testing.results import Results
else:
    __getattr__ = on_demand(
        globals(),
        {
            "Backend": "reactor.testing.backend",
            "Caller": "reactor.testing.caller",
            "Clock": "reactor.testing.clock",
            "LogLine": "reactor.testing.log_lines",
            "Logs": "reactor.testing.log_lines",
            "MemoryStore": "reactor.store.memory",
            "Results": "reactor.testing.results",
        },
    )

__all__ = ["Backend", "Caller", "Clock", "LogLine", "Logs", "MemoryStore", "Results"]
