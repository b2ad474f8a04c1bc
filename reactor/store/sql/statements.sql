-- Statements of the SQLite store. Each has a name and a purpose; statements.py reads this file.
-- `(?, ?)...` stands for as many such rows as a call brings, and then for rows of NULLs as padding.

-- name: pin
-- Begin a read transaction's snapshot and say at which commit it stands.
SELECT value FROM meta WHERE key = 'last_ts';

-- name: get_one
-- A document's stored bytes.
SELECT value FROM documents WHERE id = ?;

-- name: get_many
-- The stored bytes of those of some ids that exist.
SELECT id, value FROM (VALUES (?)...) CROSS JOIN documents ON id = column1;

-- name: scan
-- A page of an index range in key order.
SELECT key FROM index_entries WHERE index_id = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?;

-- name: scan_reverse
-- A page of an index range from its upper end.
SELECT key FROM index_entries WHERE index_id = ? AND key >= ? AND key < ? ORDER BY key DESC LIMIT ?;

-- name: count
-- How many entries a page of an index range has, and the last of them.
SELECT count(*), max(key) FROM (
    SELECT key FROM index_entries WHERE index_id = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?
);

-- name: scan_ids
-- A page of document ids in order.
SELECT id FROM documents WHERE id >= ? AND id < ? ORDER BY id LIMIT ?;

-- name: scan_ids_reverse
-- A page of document ids from the upper end.
SELECT id FROM documents WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?;

-- name: outcome
-- How one mutation of a client ended.
SELECT result, logs, ts FROM outcomes WHERE session = ? AND request = ?;

-- name: last_request
-- The highest request number a client session has an outcome for.
SELECT max(request) FROM outcomes WHERE session = ?;

-- name: log
-- The next commits after a timestamp.
SELECT ts, source, writes, points, node FROM commit_log WHERE ts > ? ORDER BY ts LIMIT ?;

-- name: history_start
-- The oldest timestamp that the log can lead back to.
SELECT value FROM meta WHERE key = 'history_start';

-- name: tables
-- All tables.
SELECT name, number, by_id, by_creation FROM tables ORDER BY number;

-- name: indexes
-- All indexes in use.
SELECT id, table_number, name, fields, is_unique, kind, complete FROM indexes WHERE NOT dropped ORDER BY id;

-- name: shapes
-- What the documents of each table are known to match.
SELECT table_number, shape FROM shapes;

-- name: last_index
-- The highest number that an index has or had.
SELECT value FROM meta WHERE key = 'last_index';

-- name: put_documents
-- Documents as they are after a batch.
INSERT INTO documents (id, table_number, ts, value)
SELECT column1, column2, column3, column4 FROM (VALUES (?, ?, ?, ?)...) WHERE column1 IS NOT NULL
ON CONFLICT (id) DO UPDATE SET ts = excluded.ts, value = excluded.value;

-- name: delete_documents
-- Documents that a batch removed.
DELETE FROM documents WHERE id IN (VALUES (?)...);

-- name: put_entries
-- Index entries that a batch leaves behind.
INSERT OR IGNORE INTO index_entries (index_id, key)
SELECT column1, column2 FROM (VALUES (?, ?)...) WHERE column1 IS NOT NULL;

-- name: fill_entries
-- Entries of an index that is being built, of those documents that no commit has written since they were read.
INSERT OR IGNORE INTO index_entries (index_id, key)
SELECT column1, column2 FROM (VALUES (?, ?, ?, ?)...) CROSS JOIN documents ON id = column3 WHERE ts <= column4;

-- name: delete_entries
-- Index entries that a batch removed. Each is looked up; of `(index_id, key) IN (VALUES ...)` SQLite makes a scan of all.
DELETE FROM index_entries WHERE (index_id = ? AND key = ?) OR...;

-- name: put_log
-- A batch's entries of the commit log.
INSERT INTO commit_log (ts, source, writes, points, node)
SELECT column1, column2, column3, column4, column5 FROM (VALUES (?, ?, ?, ?, ?)...) WHERE column1 IS NOT NULL;

-- name: is_logged
-- Whether a commit of a process among several is in the file.
SELECT 1 FROM commit_log WHERE ts = ? AND node = ?;

-- name: put_outcomes
-- A batch's outcomes of clients' mutations.
INSERT INTO outcomes (ts, session, request, result, logs)
SELECT column1, column2, column3, column4, column5 FROM (VALUES (?, ?, ?, ?, ?)...) WHERE column1 IS NOT NULL;

-- name: put_table
-- A table that came.
INSERT INTO tables (name, number, by_id, by_creation) VALUES (?, ?, ?, ?)
ON CONFLICT (number) DO UPDATE
SET name = excluded.name, by_id = excluded.by_id, by_creation = excluded.by_creation;

-- name: put_index
-- An index that is complete from now on, or begins to be built.
INSERT INTO indexes (id, table_number, name, fields, is_unique, kind, complete) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
SET table_number = excluded.table_number, name = excluded.name, fields = excluded.fields,
    is_unique = excluded.is_unique, kind = excluded.kind, complete = excluded.complete, dropped = 0;

-- name: drop_index
-- An index that nobody reads any more, perhaps one whose building was given up; pruning deletes its entries.
INSERT INTO indexes (id, table_number, name, fields, dropped) VALUES (?, 0, '', '[]', 1)
ON CONFLICT (id) DO UPDATE SET dropped = 1;

-- name: put_shape
-- What all documents of a table match from now on.
INSERT INTO shapes (table_number, shape) VALUES (?, ?)
ON CONFLICT (table_number) DO UPDATE SET shape = excluded.shape;

-- name: forget_shape
-- A table whose documents are checked no longer.
DELETE FROM shapes WHERE table_number = ?;

-- name: raise_last_index
-- Remember the highest index number, so that none is given twice.
UPDATE meta SET value = max(value, ?) WHERE key = 'last_index';

-- name: move_last_ts
-- Let the file say up to which commit it goes; changes no row if somebody else wrote in between.
UPDATE meta SET value = ? WHERE key = 'last_ts' AND value = ?;

-- name: overwrite_failed_commit
-- A smallest change (one that changes nothing writes nothing): it takes the place in the WAL where a failed
-- commit may have left all its pages.
UPDATE meta SET value = value + 1 WHERE key = 'failed_commits';

-- name: last_of_log_page
-- The last of the oldest log entries that one page of pruning takes.
SELECT max(ts) FROM (SELECT ts FROM commit_log WHERE ts < ? ORDER BY ts LIMIT ?);

-- name: delete_log
-- Forget log entries.
DELETE FROM commit_log WHERE ts <= ?;

-- name: move_history_start
-- Say from where on the log is complete.
UPDATE meta SET value = ? WHERE key = 'history_start';

-- name: delete_outcomes
-- Forget a page of the oldest outcomes.
DELETE FROM outcomes WHERE ts IN (SELECT ts FROM outcomes WHERE ts < ? ORDER BY ts LIMIT ?);

-- name: dropped_indexes
-- Indexes whose entries are to be deleted.
SELECT id FROM indexes WHERE dropped;

-- name: delete_index_entries
-- Delete a page of an index's entries. The first two parameters are the same: Python 3.12.0 to 3.12.3 warn of marks with
-- numbers.
DELETE FROM index_entries
WHERE index_id = ? AND key IN (SELECT key FROM index_entries WHERE index_id = ? ORDER BY key LIMIT ?);

-- name: forget_index
-- The last trace of an index without entries.
DELETE FROM indexes WHERE id = ?;

-- name: unfinished_indexes
-- Indexes with entries but without a record: being built when the server died. One seek per index.
WITH RECURSIVE present (id) AS (
    SELECT min(index_id) FROM index_entries
    UNION ALL
    SELECT (SELECT min(index_id) FROM index_entries WHERE index_id > present.id)
    FROM present WHERE present.id IS NOT NULL
)
SELECT id FROM present
WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM indexes) AND id NOT IN (SELECT by_creation FROM tables);
