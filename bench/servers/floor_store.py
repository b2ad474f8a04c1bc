"""What the mock keeps: documents and one index in SQLite, with the durability that Reactor gives."""

import os
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable

import msgspec

__all__ = ["FloorStore"]

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode

SCHEMA = """
create table if not exists documents (id integer primary key, document blob not null) strict;
create table if not exists entries (key blob primary key, id integer not null) without rowid, strict;
"""
LAST_FIFTY = """
select d.document from (select id, key from entries where key > ? and key < ? order by key desc limit 50) e
join documents d on d.id = e.id order by e.key desc
"""
ONE = "select d.id, d.document from entries e join documents d on d.id = e.id where e.key > ? and e.key < ?"

Mutation = Callable[[dict], tuple[object, Iterable[str]]]


class FloorStore:
    """Hard-wired queries and mutations; every mutation returns its result and the watched keys that it touched."""

    def __init__(self, folder: str, synchronous: str = "FULL") -> None:
        self.db = sqlite3.connect(os.path.join(folder, "floor.sqlite"), isolation_level=None)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute(f"pragma synchronous={synchronous}")
        self.db.executescript(SCHEMA)
        self.last = self.db.execute("select coalesce(max(id), 0) from documents").fetchone()[0]
        self.mutations: dict[str, Mutation] = {
            "messages:send": self.send,
            "counters:add": self.add,
            "many:write": self.write_many,
            "fill:messages": self.fill,
        }

    def commit(self, calls: list[tuple[str, dict]]) -> list[tuple[object, Iterable[str]]]:
        """Run mutations in one durable transaction."""
        self.db.execute("begin immediate")
        outcomes = [self.mutations[path](args) for path, args in calls]
        self.db.execute("commit")
        return outcomes

    @staticmethod
    def watched(path: str, args: dict) -> str:
        """The key that a query reads; equal queries have equal keys."""
        match path:
            case "messages:list":
                return "messages/" + args["channel"]
            case "many:list":
                return "documents/" + args["key"]
            case "counters:get":
                return "counters/" + args["name"]
            case _:
                raise LookupError(f"the mock has no query {path}")

    def read(self, watched: str) -> bytes:
        """The encoded result. Documents are decoded and encoded again, as user code in between would need."""
        low = watched.encode() + b"\0"
        rows = self.db.execute(LAST_FIFTY, (low, low + b"\xff")).fetchall()
        documents = [decode(row[0]) for row in rows]
        if watched.startswith("counters/"):
            return encode(documents[0]["value"] if documents else 0)
        documents.reverse()
        return encode(documents)

    def insert(self, watched: str, fields: dict) -> str:
        self.last += 1
        name = f"m{self.last:020d}"
        document = {"_id": name, "_creationTime": time.time() * 1000, **fields}
        self.db.execute("insert into documents values (?, ?)", (self.last, encode(document)))
        key = watched.encode() + b"\0" + struct.pack(">Q", self.last)
        self.db.execute("insert into entries values (?, ?)", (key, self.last))
        return name

    def send(self, args: dict) -> tuple[str, Iterable[str]]:
        watched = "messages/" + args["channel"]
        fields = {"channel": args["channel"], "author": "bench", "body": args["body"]}
        return self.insert(watched, fields), (watched,)

    def add(self, args: dict) -> tuple[int, Iterable[str]]:
        watched = "counters/" + args["name"]
        low = watched.encode() + b"\0"
        found = self.db.execute(ONE, (low, low + b"\xff")).fetchone()
        if found is None:
            self.insert(watched, {"name": args["name"], "value": 1})
            return 1, (watched,)
        counter = decode(found[1])
        counter["value"] += 1
        self.db.execute("update documents set document = ? where id = ?", (encode(counter), found[0]))
        return counter["value"], (watched,)

    def write_many(self, args: dict) -> tuple[None, Iterable[str]]:
        keys = [args["key"], *(f"{args['elsewhere']}-{n}" for n in range(1, args["count"]))]
        for key in keys:
            self.insert("documents/" + key, {"key": key, "body": args["body"]})
        return None, ["documents/" + key for key in keys]

    def fill(self, args: dict) -> tuple[None, Iterable[str]]:
        for n in range(args["first"], args["first"] + args["count"]):
            channel = f"fill-{n // args['depth']:06d}"
            body = f"document {n} of a table that is large in this measurement and small in the other"
            self.insert("messages/" + channel, {"channel": channel, "author": "bench", "body": body})
        return None, ()
