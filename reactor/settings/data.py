"""Rows of the table of settings about data: files, and what is kept for how long."""

from dataclasses import dataclass

from reactor.settings.kinds import Address, Bucket, Text
from reactor.settings.nodes import NodeSettings
from reactor.settings.rows import DAY, GIB, KIB, MIB
from reactor.settings.rows import count as _count
from reactor.settings.rows import setting as _setting
from reactor.settings.rows import size as _size
from reactor.settings.rows import time as _time

__all__ = ["FILES", "KEEPING", "DataSettings"]

FILES = "Files"
KEEPING = "What is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings(NodeSettings):
    """The settings of files, and of what is kept, with those of the database; a part of `Settings`."""

    files: str | None = _setting(
        None,
        Bucket(),
        "Where the bytes of files lie: the place in an S3-like bucket that belongs to this deployment alone. "
        "Credentials come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`) or "
        "the machine's role.",
        "A folder needs nothing else. A bucket holds more than a disk, and outlives the machine.",
        group=FILES,
        default_text="the folder DATA/files",
    )
    files_endpoint: str | None = _setting(
        None,
        Address(),
        "The address of the S3-like service that has the bucket of `files`.",
        "Services other than Amazon's have their own. With http:// bytes travel in the clear.",
        group=FILES,
        default_text="`AWS_ENDPOINT_URL`, or else Amazon's for the region",
    )
    files_region: str | None = _setting(
        None,
        Text(),
        "The region of the bucket of `files`.",
        "Requests are signed for one region.",
        group=FILES,
        default_text="`AWS_REGION`, or else us-east-1",
    )
    max_file_bytes: int = _setting(
        4 * GIB,
        _size(1 * KIB, 2**20 * GIB),
        "Largest file that an upload or `ctx.storage.store` may store.",
        "Nobody fills the disk with one upload. Files never are in memory as a whole, so it may be raised.",
        group=FILES,
    )
    max_uploads: int = _setting(
        64,
        _count(1, 100_000),
        "Uploads under way at a time, of all clients together; one more is refused with `TooManyUploads`.",
        "Each holds half a megabyte of memory and writes to the same disk. With files in a bucket it holds up to four "
        "parts of 5 MiB instead: lower this where memory is short.",
        group=FILES,
    )
    upload_seconds: float = _setting(
        120.0,
        _time(0.1, 7 * DAY),
        "Time that an upload may take.",
        "As the official limit. Raise it for large files over slow lines.",
        group=FILES,
    )
    max_downloads: int = _setting(
        1024,
        _count(1, 1_000_000),
        "Files that are being sent at a time, to all clients together; one more is refused with `TooManyDownloads`.",
        "Each holds an open file, a socket and up to a megabyte of memory, some three of files in a bucket.",
        group=FILES,
    )
    upload_url_seconds: float = _setting(
        3600.0,
        _time(1, 30 * DAY),
        "How long an upload URL is good.",
        "As the official server: long enough to choose a file, short enough that an address in a log is of no use.",
        group=FILES,
    )

    history_seconds: float = _setting(
        3600.0,
        _time(60, 365 * DAY),
        "How long the commit log keeps what a change replaced, and the folder of files the bytes of deleted ones.",
        "Long enough for reads at a moment of the past and for undoing a mistake at once; then it is pruned, so that "
        "the disk stays flat.",
        group=KEEPING,
    )
    outcome_seconds: float = _setting(
        14.0 * DAY,
        _time(60, 365 * DAY),
        "How long the outcome of a client's mutation is remembered.",
        "A client that was away this long and sends its mutation again gets the recorded answer instead of a second "
        "run.",
        group=KEEPING,
    )
    finished_job_seconds: float = _setting(
        7.0 * DAY,
        _time(1, 365 * DAY),
        "How long `_scheduled_functions` keeps those that have run, failed, or were canceled.",
        "As the official server. Long enough to look what became of last week's.",
        group=KEEPING,
    )
    document_cache_bytes: int = _setting(
        64 * MIB,
        _size(0, 64 * GIB),
        "Memory for documents that are decoded already.",
        "Reading 50 documents from it costs about a quarter of reading them from the database.",
        group=KEEPING,
    )

    page_cache_bytes: int = _setting(
        32 * MIB,
        _size(64 * KIB, 64 * GIB),
        "Memory for pages of the database file: so much for writing, and up to a quarter of it for each moment that is "
        "being read, mostly one. It fills as the file grows. Not used with PostgreSQL.",
        "What is read again after a commit comes from the system's cache of files, which is nearly as fast.",
        group=KEEPING,
    )

    vector_memory_bytes: int = _setting(
        1 * GIB,
        _size(0, 1024 * GIB),
        "Memory for the vectors of vector indexes, all of them together. Those go first that were searched longest "
        "ago; a search of one that does not fit alone fails with `VectorIndexTooLarge`.",
        "A search looks at every vector, at the speed of memory. 100,000 of 384 numbers take about 180 MiB.",
        group=KEEPING,
    )

    result_cache_bytes: int = _setting(
        64 * MIB,
        _size(0, 64 * GIB),
        "Memory for results of queries that were asked once, over HTTP or by actions; 0 keeps none. No result may take "
        "more than a sixteenth of it.",
        "A result that no write has touched since is given again without running the function.",
        group=KEEPING,
    )
    result_clock_seconds: float = _setting(
        17.0,
        _time(0, 1 * DAY),
        "How long the result of a query that looked at `ctx.now` is given again; 0 runs it for every call. Live "
        "queries do not run again because time has passed.",
        "As the official server. No write tells that such a result is out of date.",
        group=KEEPING,
    )
