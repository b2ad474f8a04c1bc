"""Large files that move while others wait for news: what that costs them, beside what the machine takes for it anyway.

The uploads and downloads of the floor go to a process of their own, at the speed that Reactor reached, on the core that
the server has: what is later then, is so because cores and disk are shared.
"""

from collections.abc import Iterator

from harness.servers import mover, reactor
from harness.workload import Claim, Phase, Settings, Workload, push_load

__all__ = ["TRANSFERS"]

DIRECTIONS = {"uploads": "up", "downloads": "down"}
BARE_DISK = "bare disk"


def phases(s: Settings) -> Iterator[Phase | None]:
    size = int(s.size(2**30, 2**24))
    load = {**push_load(s), "workload": "transfer", "bytes": size}
    yield Phase(BARE_DISK, None, {"script": "servers/disk.py", "arguments": [size]})
    yield Phase(named(s, "alone"), reactor(s.ws[0]), {**load, "direction": None})
    for name, direction in DIRECTIONS.items():
        load["direction"] = direction
        yield Phase(named(s, name), reactor(s.ws[0]), dict(load))
        same_speed = {"mib_per_second": (named(s, name),)}
        yield Phase(beside(s, name), reactor(s.ws[0]), dict(load), borrow=same_speed, beside=mover())


def claims(s: Settings) -> Iterator[Claim]:
    for name in DIRECTIONS:
        subject, floor = named(s, name), beside(s, name)
        for figure in ("push_p50_ms", "push_p99_ms"):
            what, value = f"push latency beside {name} of 1 GiB, {figure[5:8]}", (subject, figure)
            yield Claim(what, value, "ms", ("<=", 1.5), (named(s, "alone"), figure), floors=((floor, figure),))
            what = f"the same beside {name} that go to another process, {figure[5:8]}"
            yield Claim(what, value, "ms", ("<=", 1.5), reference=(floor, figure))
        yield Claim(f"memory that {name} of 1 GiB take", (subject, "grown_mib"), "MiB", ("<=", 64))
    # Bytes pass through a socket and the event loop of Python, which bare reads from a cache do not.
    for name, least in (("uploads", 0.2), ("downloads", 0.05)):
        bare, value = (BARE_DISK, f"{name}_mib_per_second"), (named(s, name), "mib_per_second")
        yield Claim(f"speed of {name} of 1 GiB", value, "MiB/s", (">=", least), reference=bare)


def named(s: Settings, what: str) -> str:
    return f"reactor {s.ws[0]}, {what}"


def beside(s: Settings, name: str) -> str:
    return f"reactor {s.ws[0]}, beside {name} to another process"


TRANSFERS = {
    "files": Workload(
        "W1 while another process moves files of 1 GiB",
        phases,
        claims,
        (
            "push_p50_ms",
            "push_p99_ms",
            "grown_mib",
            "mib_per_second",
            "uploads_mib_per_second",
            "downloads_mib_per_second",
        ),
    )
}
