-- The tables of a Reactor database in PostgreSQL, in a schema of their own, as a fresh install makes them.
-- Text is compared by its bytes (COLLATE "C"), whatever the database's own collation is.

-- What exists now.
CREATE TABLE documents (
    id text COLLATE "C" PRIMARY KEY,
    table_number bigint NOT NULL,
    ts bigint NOT NULL,
    value bytea NOT NULL
);

-- Every index as one ordered space of byte keys. The document's id is the last component of each key.
CREATE TABLE index_entries (
    index_id bigint NOT NULL,
    key bytea NOT NULL,
    PRIMARY KEY (index_id, key)
);

-- Entries whose key is too long for a b-tree page of PostgreSQL. They are few; `head` is what the b-tree orders by,
-- and those of the same head are put in order when they are read.
CREATE TABLE long_entries (
    index_id bigint NOT NULL,
    head bytea NOT NULL,
    digest bytea NOT NULL,
    key bytea NOT NULL,
    PRIMARY KEY (index_id, head, digest)
);

-- Who changed what when, with what it replaced, for a limited time. `points` are what a commit touched beside
-- documents, `node` is the server that made it.
CREATE TABLE commit_log (
    ts bigint PRIMARY KEY,
    source text NOT NULL,
    writes bytea NOT NULL,
    points bytea NOT NULL DEFAULT '',
    node text NOT NULL DEFAULT ''
);

-- How clients' mutations ended.
CREATE TABLE outcomes (
    ts bigint PRIMARY KEY,
    session bytea NOT NULL,
    request bigint NOT NULL,
    result bytea NOT NULL,
    logs bytea NOT NULL
);

CREATE UNIQUE INDEX outcomes_by_request ON outcomes (session, request);

CREATE TABLE tables (
    number bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    by_id bigint NOT NULL,
    by_creation bigint NOT NULL
);

-- Indexes, also those that are being built and not `complete` yet; `dropped` ones only wait for their entries to be
-- deleted. `kind` says how entries come from documents.
CREATE TABLE indexes (
    id bigint PRIMARY KEY,
    table_number bigint NOT NULL,
    name text NOT NULL,
    fields text NOT NULL,
    dropped boolean NOT NULL DEFAULT false,
    is_unique boolean NOT NULL DEFAULT false,
    kind text NOT NULL DEFAULT 'fields',
    complete boolean NOT NULL DEFAULT true
);

-- What every document of a table matches. Bytes, since it may hold characters that text of PostgreSQL cannot.
CREATE TABLE shapes (
    table_number bigint PRIMARY KEY,
    shape bytea NOT NULL
);

CREATE TABLE meta (
    key text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
);

-- The row of the last commit changes with each of them: with room in its page it needs no new index entry.
ALTER TABLE meta SET (fillfactor = 50);

INSERT INTO meta (key, value) VALUES ('last_ts', 0), ('history_start', 0), ('last_index', 0);
