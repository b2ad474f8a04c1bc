-- The tables of a Reactor database file, as a fresh install makes them.
-- What changes here also needs a numbered file in migrations/; a test compares the two ways.

-- What exists now. Ids are ordered by time, so new documents go to the end of the b-tree of ids. With a rowid
-- (and not WITHOUT ROWID) because values are long: kept inside the b-tree of ids, documents of 20 kB take five
-- times as long to read (76 against 16 microseconds each), while those of 200 bytes gain nothing that shows.
CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    table_number INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT;

-- Every index as one ordered space of byte keys. The document's id is the last component of each key.
CREATE TABLE index_entries (
    index_id INTEGER NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (index_id, key)
) WITHOUT ROWID, STRICT;

-- Who changed what when, with what it replaced, for a limited time. `points` and `node` are for other processes that
-- share the file: what else a commit touched, and which of them wrote it.
CREATE TABLE commit_log (
    ts INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    writes BLOB NOT NULL,
    points BLOB NOT NULL DEFAULT x'',
    node TEXT NOT NULL DEFAULT ''
) STRICT;

-- How clients' mutations ended.
CREATE TABLE outcomes (
    ts INTEGER PRIMARY KEY,
    session BLOB NOT NULL,
    request INTEGER NOT NULL,
    result BLOB NOT NULL,
    logs BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX outcomes_by_request ON outcomes (session, request);

CREATE TABLE tables (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    by_id INTEGER NOT NULL,
    by_creation INTEGER NOT NULL
) STRICT;

-- Indexes that are `complete`, or that are being built while several processes share the file; `dropped` ones only wait
-- for their entries to be deleted. `kind` says how entries come from documents.
CREATE TABLE indexes (
    id INTEGER PRIMARY KEY,
    table_number INTEGER NOT NULL,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    is_unique INTEGER NOT NULL DEFAULT 0,
    kind TEXT NOT NULL DEFAULT 'fields',
    complete INTEGER NOT NULL DEFAULT 1
) STRICT;

-- What every document of a table matches: a new schema that allows as much needs no look at them.
CREATE TABLE shapes (
    table_number INTEGER PRIMARY KEY,
    shape TEXT NOT NULL
) STRICT;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

INSERT INTO meta (key, value) VALUES ('last_ts', 0), ('history_start', 0), ('last_index', 0), ('failed_commits', 0);
