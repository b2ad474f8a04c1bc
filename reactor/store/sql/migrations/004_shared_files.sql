-- Format 4: what several processes that share the file tell each other.
-- The columns are added, though SQLite then writes the tables' text a little differently from that of a fresh install:
-- the log may be large, and making it anew would take long.

ALTER TABLE commit_log ADD COLUMN points BLOB NOT NULL DEFAULT x'';
ALTER TABLE commit_log ADD COLUMN node TEXT NOT NULL DEFAULT '';
ALTER TABLE indexes ADD COLUMN complete INTEGER NOT NULL DEFAULT 1;
