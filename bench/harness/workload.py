"""What a workload is made of: phases, each a server under a load, and claims about what they measure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from harness.servers import Server

__all__ = ["Claim", "Phase", "Settings", "Workload", "insert_load", "push_load"]


@dataclass(frozen=True)
class Settings:
    """`ws`: Reactor's WebSocket implementations, the one that `start` uses by default first."""

    ws: tuple[str, ...]
    quick: bool

    def size(self, full: float, quick: float) -> float:
        return quick if self.quick else full


@dataclass(frozen=True)
class Phase:
    """One server, or several with one database, and one load. `subject` names its figures.

    `folder`: phases of a workload that give the same name work on the same data, in all runs.
    `once`: only the first run does it (the figures count for all). `borrow`: figures of earlier phases that the
    server's command needs. No server means a program that measures itself: `script` under bench/, given `arguments`
    behind the folder. `beside`: another server on the same core, for the load to use too. `pinned`: all of it is on the
    server's core, and the generator on the other; else they share all cores.
    """

    subject: str
    server: Server | None
    load: dict[str, object]
    folder: str | None = None
    once: bool = False
    borrow: dict[str, tuple[str, ...]] = field(default_factory=dict)
    beside: Server | None = None
    pinned: bool = True


@dataclass(frozen=True)
class Claim:
    """`value` (subject, figure) must be `bound`: as it is, or as a multiple of `reference` in the same run.

    `floors` are printed as ratios only.
    """

    what: str
    value: tuple[str, str]
    unit: str
    bound: tuple[str, float]
    reference: tuple[str, str] | None = None
    floors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Workload:
    """`shown`: figures that the detailed table has columns for. `profiled`: which of Reactor's phases to profile."""

    title: str
    phases: Callable[[Settings], Iterable[Phase | None]]
    claims: Callable[[Settings], Iterable[Claim]]
    shown: tuple[str, ...]
    profiled: int = -1


def push_load(s: Settings, channel: str = "push", seed: int = 50) -> dict[str, object]:
    return {
        "workload": "push",
        "rate": 20,
        "seconds": s.size(20, 2),
        "subscribers": 10,
        "channel": channel,
        "seed": seed,
    }


def insert_load(s: Settings, **more: object) -> dict[str, object]:
    load = {"workload": "inserts", "writers": 64, "seconds": s.size(10, 1), "warmUp": s.size(2, 0.5)}
    return {**load, "subscribers": 0, "over": "websocket", "mutation": "messages:send", **more}
