"""Workloads of several processes with one database: nodes on PostgreSQL, workers on SQLite.

Here nothing is pinned: nodes, their database and the generator share the cores that there are. On two cores that says
little of what a second machine would bring, so the figures are ratios among such phases.
"""

from collections.abc import Iterator

from harness.servers import broadcast, reactor
from harness.workload import Claim, Phase, Settings, Workload, insert_load, push_load

__all__ = ["SEVERAL"]

BARE = "bare asyncpg"
READ = ", read at once"
CROWD = 256
MANY = f", {CROWD} writers"
SHARED = "; all share the cores with the generator"


def on_nodes(s: Settings, nodes: int, load: dict[str, object], what: str = "") -> Phase:
    return Phase(named(s, nodes, what), reactor(s.ws[0], nodes=nodes), load, pinned=False)


def named(s: Settings, nodes: int, what: str = "") -> str:
    return f"reactor {s.ws[0]}, {nodes} node{'s' * (nodes > 1)}{what}"


def bare(s: Settings) -> Phase:
    load = {"script": "servers/insert_postgres.py", "arguments": [s.size(3, 0.5)]}
    return Phase(BARE, None, load, pinned=False)


def insert_phases(s: Settings) -> Iterator[Phase | None]:
    yield bare(s)
    for nodes in (1, 2):
        yield on_nodes(s, nodes, insert_load(s))
    # What they can do shows where neither waits for its writers, of whom each of two nodes has half.
    for nodes in (1, 2):
        yield on_nodes(s, nodes, insert_load(s, writers=CROWD), MANY)


def insert_claims(s: Settings) -> Iterator[Claim]:
    one, *_, crowd_of_one, crowd_of_two = subjects = [named(s, nodes, what) for what in ("", MANY) for nodes in (1, 2)]
    value, base = (crowd_of_two, "per_second"), (crowd_of_one, "per_second")
    floors = ((BARE, "per_second_64_a_commit"), (BARE, "per_second_1_a_commit"))
    what = "durable inserts through one node, 64 writers"
    yield Claim(what, (one, "per_second"), "/s", (">=", 2000), floors=floors)
    what = f"durable inserts through two nodes, {CROWD} writers"
    yield Claim(what, value, "/s", (">=", 1.3), reference=base, floors=floors)
    for subject in subjects:
        yield Claim(f"errors, {subject}", (subject, "errors"), "", ("<=", 0))


def hot_phases(s: Settings) -> Iterator[Phase | None]:
    yield on_nodes(s, 3, insert_load(s), ", inserts")
    yield on_nodes(s, 3, insert_load(s, mutation="counters:add"), ", one counter")
    yield on_nodes(s, 1, insert_load(s, mutation="counters:add"), ", one counter")


def hot_claims(s: Settings) -> Iterator[Claim]:
    subject = named(s, 3, ", one counter")
    value, inserts = (subject, "per_second"), (named(s, 3, ", inserts"), "per_second")
    floors = ((named(s, 1, ", one counter"), "per_second"),)
    what = "64 writers add 1 to one counter through 3 nodes"
    yield Claim(what, value, "/s", (">=", 0.3), reference=inserts, floors=floors)
    yield Claim("acknowledged increments missing from the counter", (subject, "lost"), "", ("==", 0))
    yield Claim("conflict errors", (subject, "errors"), "", ("<=", 0))


def push_phases(s: Settings) -> Iterator[Phase | None]:
    for nodes in (1, 2):
        yield on_nodes(s, nodes, push_load(s))


def push_claims(s: Settings) -> Iterator[Claim]:
    subject = named(s, 2)
    for figure, limit in (("push_p50_ms", 10), ("push_p99_ms", 40)):
        floors = ((named(s, 1), figure),)
        what = f"push from one node to another, {figure[5:8]}"
        yield Claim(what, (subject, figure), "ms", ("<=", limit), floors=floors)
    yield Claim("pushes that never came", (subject, "missing"), "", ("<=", 0))


def worker_phases(s: Settings) -> Iterator[Phase | None]:
    crowd = {"subscribers": s.size(1000, 100)}
    # Workers on free cores: nobody reads meanwhile. Then with receivers that want a core of those that there are.
    load = {"workload": "arrivals", **crowd, "writes": s.size(40, 5)}
    for workers in (1, 2):
        yield Phase(workers_named(s, workers), reactor(s.ws[0], workers=workers), load, pinned=False)
    # A generator that keeps itself awake would take a core from the workers.
    load = {"workload": "fanout", **crowd, "writes": s.size(20, 5), "awake": False}
    for workers in (1, 2):
        server = reactor(s.ws[0], workers=workers)
        yield Phase(workers_named(s, workers) + READ, server, load, pinned=False)
    same_bytes = {"push_bytes": (workers_named(s, 1) + READ,)}
    if server := broadcast("bare"):
        load = {"workload": "broadcast", **crowd, "writes": s.size(30, 10)}
        yield Phase("broadcast bare", server, load, borrow=same_bytes)


def worker_claims(s: Settings) -> Iterator[Claim]:
    one, two = ((workers_named(s, workers), "last_p50_ms") for workers in (1, 2))
    what = "one write to 1,000 subscribers of 2 workers, last delivery, on free cores"
    yield Claim(what, two, "ms", ("<=", 0.75), reference=one)
    for subject in (two[0], two[0] + READ):
        yield Claim(f"deliveries that never came, {subject}", (subject, "missing"), "", ("<=", 0))


def workers_named(s: Settings, workers: int) -> str:
    return f"reactor {s.ws[0]}, {workers} worker{'s' * (workers > 1)}"


INSERT_FIGURES = ("per_second", "ack_p50_ms", "ack_p99_ms", "server_cpu_percent", "errors")
BARE_FIGURES = ("per_second_1_a_commit", "per_second_64_a_commit")
PUSH_FIGURES = ("push_p50_ms", "push_p99_ms", "ack_p50_ms", "ack_p99_ms", "server_cpu_percent")
FANOUT_FIGURES = ("last_p50_ms", "last_p95_ms", "half_p50_ms", "ack_p50_ms", "server_cpu_ms_per_write")

SEVERAL = {
    "nodes-inserts": Workload(
        f"64 and {CROWD} writers on one and on two nodes with a PostgreSQL{SHARED}",
        insert_phases,
        insert_claims,
        INSERT_FIGURES + BARE_FIGURES,
    ),
    "nodes-hot": Workload(
        f"64 writers increment one document through three nodes{SHARED}", hot_phases, hot_claims, INSERT_FIGURES
    ),
    "nodes-push": Workload(
        f"20 writes/s on one node, watched by 10 official clients of another{SHARED}",
        push_phases,
        push_claims,
        PUSH_FIGURES,
    ),
    "workers": Workload(
        f"one write to 1,000 subscribers spread over two workers on SQLite{SHARED}",
        worker_phases,
        worker_claims,
        FANOUT_FIGURES,
    ),
}
