"""The floor of writing: documents of the benchmark's size into SQLite, nothing around it, with Reactor's durability.

    python insert.py FOLDER SECONDS

Prints one JSON object: inserts a second with 1 and with 64 documents in a commit (64 writers can fill no larger one).
"""

import json
import sys
import time

from floor_store import FloorStore

__all__ = ["rate"]

BODY = "writer 12 message 1234 lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"
CALL = ("messages:send", {"channel": "inserts", "body": BODY})


def rate(store: FloorStore, batch: int, seconds: float) -> float:
    """Inserts a second, each document with its index entry."""
    calls, count = [CALL] * batch, 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        store.commit(calls)
        count += batch
    return count / elapsed


def main() -> None:
    store, seconds = FloorStore(sys.argv[1]), float(sys.argv[2])
    figures = {f"per_second_{batch}_a_commit": rate(store, batch, seconds) for batch in (1, 64)}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
