"""The workloads: which servers meet which load in one run, and what must come out of it.

A run goes through the phases of its workload one after the other, so a floor is measured within a minute of what
stands on it. Sizes and limits are those of the project's speed targets (docs/why/speed.md shows them with results).
"""

from collections.abc import Iterator

from harness.servers import ADMIN_KEY, broadcast, mock, reactor, school
from harness.several import SEVERAL
from harness.transfers import TRANSFERS
from harness.workload import Claim, Phase, Settings, Workload, insert_load, push_load

__all__ = ["WORKLOADS"]

STOCK = "websockets-sansio"
BARE_SQLITE = "bare SQLite"


def push_phases(s: Settings) -> Iterator[Phase | None]:
    for ws in (STOCK, "picows"):
        yield on_mock(ws, push_load(s))
    yield Phase(f"reactor {s.ws[0]}", reactor(s.ws[0]), push_load(s))


def push_claims(s: Settings) -> Iterator[Claim]:
    subject = f"reactor {s.ws[0]}"
    for figure, limit in (("push_p50_ms", 3), ("push_p99_ms", 8)):
        floors = ((f"mock {STOCK}", figure),)
        yield Claim(f"push latency, {figure[5:8]}", (subject, figure), "ms", ("<=", limit), floors=floors)
    yield Claim("pushes that never came", (subject, "missing"), "", ("<=", 0))


def fanout_phases(s: Settings) -> Iterator[Phase | None]:
    crowd = {"subscribers": s.size(1000, 100)}
    load = {"workload": "fanout", **crowd, "writes": s.size(20, 5)}
    for ws in (STOCK, "picows"):
        yield on_mock(ws, load)
    for ws in s.ws:
        yield Phase(f"reactor {ws}", reactor(ws), load)
    same_bytes = {"push_bytes": (f"reactor {s.ws[0]}", f"mock {STOCK}")}
    for kind in (STOCK, "picows", "bare"):
        if server := broadcast(kind):
            load = {"workload": "broadcast", **crowd, "writes": s.size(30, 10)}
            yield Phase(f"broadcast {kind}", server, load, borrow=same_bytes)


def fanout_claims(s: Settings) -> Iterator[Claim]:
    for ws in s.ws:
        value, floor = (f"reactor {ws}", "last_p50_ms"), (f"mock {STOCK}", "last_p50_ms")
        floors = (floor, (f"broadcast {STOCK}", "last_p50_ms"), ("broadcast bare", "last_p50_ms"))
        what = f"one write to 1,000 subscribers, last delivery, ws={ws}"
        yield Claim(what, value, "ms", ("<=", 1.5), reference=floor, floors=floors)
        yield Claim(f"deliveries that never came, ws={ws}", (f"reactor {ws}", "missing"), "", ("<=", 0))


def bare_sqlite(s: Settings) -> Phase:
    return Phase(BARE_SQLITE, None, {"script": "servers/insert.py", "arguments": [s.size(3, 0.5)]})


def insert_phases(s: Settings) -> Iterator[Phase | None]:
    yield bare_sqlite(s)
    for ws in (STOCK, "picows"):
        yield on_mock(ws, insert_load(s))
    for subscribers in (0, 100, 1000):
        load = insert_load(s, subscribers=min(subscribers, s.size(1000, 100)))
        yield Phase(f"reactor {s.ws[0]}, {subscribers} subscribers", reactor(s.ws[0]), load)


def insert_claims(s: Settings) -> Iterator[Claim]:
    rate = {n: (f"reactor {s.ws[0]}, {n} subscribers", "per_second") for n in (0, 100, 1000)}
    floors = ((f"mock {STOCK}", "per_second"), (BARE_SQLITE, "per_second_64_a_commit"))
    yield Claim("durable inserts, 64 writers, WebSocket", rate[0], "/s", (">=", 5000), floors=floors)
    for n in (100, 1000):
        what = f"the same with {n:,} subscribers of other channels"
        yield Claim(what, rate[n], "/s", (">=", 0.95), reference=rate[0])
        yield Claim(f"pushes to those {n:,}", (rate[n][0], "needless_pushes"), "", ("<=", 0))
    for n, (subject, _) in rate.items():
        yield Claim(f"errors, {n:,} subscribers", (subject, "errors"), "", ("<=", 0))


def http_phases(s: Settings) -> Iterator[Phase | None]:
    load = insert_load(s, over="http")
    yield bare_sqlite(s)
    yield on_mock(STOCK, load)
    yield Phase(f"reactor {s.ws[0]}", reactor(s.ws[0]), load)


def http_claims(s: Settings) -> Iterator[Claim]:
    subject = f"reactor {s.ws[0]}"
    floors = ((f"mock {STOCK}", "per_second"), (BARE_SQLITE, "per_second_64_a_commit"))
    what = "durable inserts over HTTP, 64 connections"
    yield Claim(what, (subject, "per_second"), "/s", (">=", 3000), floors=floors)
    yield Claim("errors over HTTP", (subject, "errors"), "", ("<=", 0))


def hot_phases(s: Settings) -> Iterator[Phase | None]:
    hot = insert_load(s, mutation="counters:add")
    yield on_mock(STOCK, hot)
    yield Phase(f"reactor {s.ws[0]}, inserts", reactor(s.ws[0]), insert_load(s))
    yield Phase(f"reactor {s.ws[0]}, one counter", reactor(s.ws[0]), hot)


def hot_claims(s: Settings) -> Iterator[Claim]:
    subject = f"reactor {s.ws[0]}, one counter"
    value, inserts = (subject, "per_second"), (f"reactor {s.ws[0]}, inserts", "per_second")
    floors = ((f"mock {STOCK}", "per_second"),)
    yield Claim("64 writers add 1 to one counter", value, "/s", (">=", 0.8), reference=inserts, floors=floors)
    yield Claim("acknowledged increments missing from the counter", (subject, "lost"), "", ("==", 0))
    yield Claim("conflict errors", (subject, "errors"), "", ("<=", 0))


def memory_phases(s: Settings) -> Iterator[Phase | None]:
    crowd = {"subscribers": s.size(1000, 100)}
    load = {"workload": "memory", **crowd, "queries": 10, "channels": 100, "settle": s.size(5, 1)}
    for ws in (STOCK, "picows"):
        yield on_mock(ws, load)
    for ws in s.ws:
        yield Phase(f"reactor {ws}", reactor(ws), load)
    for kind in (STOCK, "picows", "bare"):
        if server := broadcast(kind, push_bytes="2000"):
            yield Phase(f"broadcast {kind}", server, {"workload": "broadcast", **crowd, "writes": 3})


def memory_claims(s: Settings) -> Iterator[Claim]:
    for ws in s.ws:
        floors = tuple((name, "subscriber_kib") for name in (f"mock {STOCK}", f"broadcast {STOCK}", "broadcast bare"))
        what = f"memory of a subscriber with 10 live queries, ws={ws}"
        yield Claim(what, (f"reactor {ws}", "subscriber_kib"), "KiB", ("<=", 56), floors=floors)


def many_phases(s: Settings) -> Iterator[Phase | None]:
    load = {"workload": "many", "connections": 100, "writes": s.size(100, 10), "documents": 100}
    all_different = {**load, "queries": s.size(200, 10)}
    yield on_mock(STOCK, all_different)
    yield Phase(f"reactor {s.ws[0]}, 100 subscriptions", reactor(s.ws[0]), {**load, "queries": 1})
    yield Phase(f"reactor {s.ws[0]}, 20,000 subscriptions", reactor(s.ws[0]), all_different)


def many_claims(s: Settings) -> Iterator[Claim]:
    value, few = ((f"reactor {s.ws[0]}, {n} subscriptions", "push_p50_ms") for n in ("20,000", "100"))
    floors = ((f"mock {STOCK}", "push_p50_ms"),)
    what = "100 documents written, one of them in one of 20,000 subscriptions: push"
    yield Claim(what, value, "ms", ("<=", 1.5), reference=few, floors=floors)
    yield Claim("pushes to untouched subscriptions", (value[0], "needless_pushes"), "", ("<=", 0))


def million_phases(s: Settings) -> Iterator[Phase | None]:
    depth, large = 1000, int(s.size(1_000_000, 20_000))
    servers = {f"mock {STOCK}": mock(STOCK), f"reactor {s.ws[0]}": reactor(s.ws[0])}
    for name, server in servers.items():
        for size, documents in (("1,000", depth), ("1,000,000", large)):
            fill = {"workload": "fill", "documents": documents, "batch": 1000, "depth": depth, "inFlight": 4}
            place = f"{name} {documents}"
            yield Phase(f"{name}, filling {size}", server, fill, folder=place, once=True)
            # The channel that is watched lies in the middle of the table and is as long in the small one.
            channel = f"fill-{documents // depth // 2:06d}"
            yield Phase(f"{name}, {size} documents", server, push_load(s, channel, seed=0), folder=place)


def million_claims(s: Settings) -> Iterator[Claim]:
    name = f"reactor {s.ws[0]}"
    value, small = ((f"{name}, {size} documents", "push_p50_ms") for size in ("1,000,000", "1,000"))
    floors = ((f"mock {STOCK}, 1,000,000 documents", "push_p50_ms"),)
    what = "push latency with 1,000,000 documents in the table, p50"
    yield Claim(what, value, "ms", ("<=", 1.3), reference=small, floors=floors)
    value, small = ((f"{name}, {size} documents", "anonymous_mib") for size in ("1,000,000", "1,000"))
    yield Claim("memory of the server on the large table", value, "MiB", ("<=", 1.3), reference=small)
    # Bounded caches may fill (document_cache_bytes is 64 MiB), and batches have a size; more would have no end.
    what = "growth of the server that wrote the 1,000,000 documents"
    yield Claim(what, (f"{name}, filling 1,000,000", "grown_mib"), "MiB", ("<=", 96))


PAGES = ("overview", "customers", "quality", "operations", "revenue")


def dashboard_phases(s: Settings) -> Iterator[Phase | None]:
    load = {"script": "servers/school.py", "arguments": [s.size(1, 0.01)]}
    yield Phase("seeding", None, load, folder="school", once=True)
    server, name = school(s.ws[0]), f"reactor {s.ws[0]}"
    pages = {"workload": "dashboards", "loads": s.size(10, 2), "orders": s.size(40, 3), "adminKey": ADMIN_KEY}
    yield Phase(f"{name}, pages", server, pages, folder="school")
    crowd = {"subscribers": s.size(1000, 100), "writes": s.size(20, 5)}
    load = {"workload": "dashboard_crowd", **crowd, "adminKey": ADMIN_KEY}
    yield Phase(f"{name}, 1,000 sessions", server, load, folder="school")
    same_bytes = {"push_bytes": (f"{name}, 1,000 sessions",)}
    for kind in (STOCK, "picows", "bare"):
        if floor := broadcast(kind):
            load = {"workload": "broadcast", **crowd, "writes": s.size(30, 10)}
            yield Phase(f"broadcast {kind}", floor, load, borrow=same_bytes)


def dashboard_claims(s: Settings) -> Iterator[Claim]:
    pages, crowd = f"reactor {s.ws[0]}, pages", f"reactor {s.ws[0]}, 1,000 sessions"
    for page in PAGES:
        yield Claim(f"first load of a dashboard, CPU: {page}", (pages, f"{page}_load_ms"), "ms", ("<=", 50))
    for page in PAGES:
        yield Claim(
            f"an order's effect on an open dashboard, CPU: {page}", (pages, f"{page}_order_ms"), "ms", ("<=", 5)
        )
    value, floor = (crowd, "last_p50_ms"), (f"broadcast {STOCK}", "last_p50_ms")
    floors = (floor, ("broadcast bare", "last_p50_ms"))
    yield Claim("an order to the last of 1,000 sessions", value, "ms", ("<=", 2), reference=floor, floors=floors)
    yield Claim("sessions that never heard of it", (crowd, "missing"), "", ("<=", 0))


READERS = {"bare": BARE_SQLITE, "cached": "reactor, cached", "uncached": "reactor, not cached"}


def read_phases(s: Settings) -> Iterator[Phase | None]:
    for kind, subject in READERS.items():
        # All read the same documents, which the first one writes.
        load = {"script": "micro/reads.py", "arguments": [kind, s.size(5, 0.5)]}
        yield Phase(subject, None, load, folder="reads")


def read_claims(s: Settings) -> Iterator[Claim]:
    for subject in (READERS["cached"], READERS["uncached"]):
        for what, figure, limit in (("get", "get_us", 20), ("ten documents by an index", "ten_us", 60)):
            floors = ((BARE_SQLITE, figure),)
            claim = f"CPU of a read in a query, {what}: {subject}"
            yield Claim(claim, (subject, figure), "us", ("<=", limit), floors=floors)


BARE_NUMPY = "bare numpy"
SEARCHERS = {"bare": BARE_NUMPY, "reactor": "reactor"}


def vector_phases(s: Settings) -> Iterator[Phase | None]:
    for kind, subject in SEARCHERS.items():
        yield Phase(subject, None, {"script": "micro/vectors.py", "arguments": [kind, s.size(100_000, 2_000)]})


def vector_claims(s: Settings) -> Iterator[Claim]:
    floors = ((BARE_NUMPY, "search_ms"),)
    what = "ten nearest of 100,000 vectors of 384 numbers, p50"
    yield Claim(what, ("reactor", "search_ms"), "ms", ("<=", 30), floors=floors)
    yield Claim("the same among one in a hundred", ("reactor", "rare_ms"), "ms", ("<=", 30), floors=floors)
    yield Claim("recall of the ten nearest", ("reactor", "recall"), "", (">=", 0.95))


FTS5 = "FTS5"
TEXT_SEARCHERS = {"fts5": FTS5, "reactor": "reactor"}


def search_phases(s: Settings) -> Iterator[Phase | None]:
    for kind, subject in TEXT_SEARCHERS.items():
        yield Phase(subject, None, {"script": "micro/search.py", "arguments": [kind, s.size(100_000, 2_000)]})


def search_claims(s: Settings) -> Iterator[Claim]:
    for name in ("common", "middle", "rare", "three", "prefix"):
        floors = ((FTS5, f"{name}_ms"),)
        yield Claim(
            f"ten best of 100,000 texts, {name}, p50", ("reactor", f"{name}_ms"), "ms", ("<=", 10), floors=floors
        )
    yield Claim("three words, one team in fifty, p50", ("reactor", "filtered_ms"), "ms", ("<=", 10))


def on_mock(ws: str, load: dict[str, object]) -> Phase | None:
    server = mock(ws)
    return server and Phase(f"mock {ws}", server, load)


VECTOR_FIGURES = (
    "search_ms",
    "rare_ms",
    "common_ms",
    "recall",
    "first_s",
    "memory_mib",
    "write_us",
    "write_without_index_us",
)
SEARCH_FIGURES = (
    "common_ms",
    "middle_ms",
    "rare_ms",
    "three_ms",
    "prefix_ms",
    "filtered_ms",
    "write_us",
    "plain_write_us",
)
DASHBOARD_FIGURES = ("pages_load_ms", "order_ms", "last_p50_ms", "last_p95_ms", "ack_p50_ms", "server_cpu_ms_per_write")
PUSH_FIGURES = ("push_p50_ms", "push_p99_ms", "ack_p50_ms", "ack_p99_ms", "server_cpu_percent")
INSERT_FIGURES = ("per_second", "ack_p50_ms", "ack_p99_ms", "server_cpu_percent", "generator_cpu_percent", "errors")
FANOUT_FIGURES = ("last_p50_ms", "last_p95_ms", "half_p50_ms", "ack_p50_ms", "server_cpu_ms_per_write", "push_bytes")
SQLITE_FIGURES = ("per_second_1_a_commit", "per_second_64_a_commit")

WORKLOADS = {
    "W1": Workload("20 writes/s into a channel that 10 official clients watch", push_phases, push_claims, PUSH_FIGURES),
    "W2": Workload(
        "one write to 1,000 subscribers of one query",
        fanout_phases,
        fanout_claims,
        FANOUT_FIGURES,
    ),
    "W3": Workload(
        "64 writers over WebSocket", insert_phases, insert_claims, INSERT_FIGURES + SQLITE_FIGURES, profiled=0
    ),
    "W3-http": Workload(
        "64 connections that POST mutations", http_phases, http_claims, INSERT_FIGURES + SQLITE_FIGURES
    ),
    "hot": Workload("64 writers increment one document", hot_phases, hot_claims, INSERT_FIGURES),
    "W4": Workload(
        "1,000 idle connections with 10 live queries each",
        memory_phases,
        memory_claims,
        ("subscriber_kib", "subscriber_pss_kib", "base_rss_mib", "connect_ms", "connect_cpu_ms_per_subscriber"),
    ),
    "many": Workload(
        "20,000 distinct subscriptions, 100 documents in a mutation",
        many_phases,
        many_claims,
        ("push_p50_ms", "push_p95_ms", "ack_p50_ms", "server_cpu_ms_per_write", "connect_ms"),
    ),
    "dashboards": Workload(
        "the school's dashboards with two years of data", dashboard_phases, dashboard_claims, DASHBOARD_FIGURES
    ),
    "reads": Workload(
        "documents by id and by an index, many in one query", read_phases, read_claims, ("get_us", "ten_us")
    ),
    "vectors": Workload("searches among 100,000 vectors", vector_phases, vector_claims, VECTOR_FIGURES),
    "search": Workload("searches among 100,000 texts", search_phases, search_claims, SEARCH_FIGURES),
    "million": Workload(
        "W1 in a table of 1,000,000 documents",
        million_phases,
        million_claims,
        ("push_p50_ms", "push_p99_ms", "ack_p50_ms", "anonymous_mib", "rss_mib", "grown_mib", "documents_per_second"),
    ),
    **TRANSFERS,
    **SEVERAL,
}
