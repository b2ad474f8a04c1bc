-- Statements of the PostgreSQL store. Each has a name and a purpose; statements.py reads this file.

-- name: last_ts
-- The last commit.
SELECT value FROM meta WHERE key = 'last_ts';

-- name: get
-- The stored bytes of those of some ids that exist.
SELECT id, value FROM documents WHERE id = ANY($1::text[]);

-- name: scan
-- A page of an index range in key order.
SELECT key FROM index_entries WHERE index_id = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4;

-- name: scan_reverse
-- A page of an index range from its upper end.
SELECT key FROM index_entries WHERE index_id = $1 AND key >= $2 AND key < $3 ORDER BY key DESC LIMIT $4;

-- name: scan_long
-- Long keys of a page of an index range, in key order; $5 and $6 are the heads of the bounds.
SELECT key FROM long_entries
WHERE index_id = $1 AND head >= $5 AND head <= $6 AND key >= $2 AND key < $3 ORDER BY head, key LIMIT $4;

-- name: scan_long_reverse
-- Long keys of a page of an index range, from its upper end.
SELECT key FROM long_entries
WHERE index_id = $1 AND head >= $5 AND head <= $6 AND key >= $2 AND key < $3 ORDER BY head DESC, key DESC LIMIT $4;

-- name: count
-- How many entries a page of an index range has, and the last of them.
SELECT count(*), (array_agg(key ORDER BY key DESC))[1] FROM (
    SELECT key FROM index_entries WHERE index_id = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4
) AS page;

-- name: scan_ids
-- A page of document ids in order.
SELECT id FROM documents WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3;

-- name: scan_ids_reverse
-- A page of document ids from the upper end.
SELECT id FROM documents WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: outcome
-- How one mutation of a client ended.
SELECT result, logs, ts FROM outcomes WHERE session = $1 AND request = $2;

-- name: last_request
-- The highest request number a client session has an outcome for.
SELECT max(request) FROM outcomes WHERE session = $1;

-- name: log
-- The next commits after a timestamp.
SELECT ts, source, writes, points, node FROM commit_log WHERE ts > $1 ORDER BY ts LIMIT $2;

-- name: news
-- The last commit, the oldest one that the log leads back to, and a page of the commits after a timestamp.
SELECT last.value, (SELECT value FROM meta WHERE key = 'history_start'), entry.*
FROM meta AS last LEFT JOIN LATERAL (
    SELECT ts, source, writes, points, node FROM commit_log WHERE ts > $1 ORDER BY ts LIMIT $2
) AS entry ON true
WHERE last.key = 'last_ts';

-- name: is_logged
-- Whether a commit of a server is there.
SELECT EXISTS (SELECT FROM commit_log WHERE ts = $1 AND node = $2);

-- name: pass_over
-- Move the last commit by a step that commits nothing: what was to follow it and is still on its way finds it gone.
UPDATE meta SET value = value + 1 WHERE key = 'last_ts' AND value = $1;

-- name: lock
-- Keep others from committing until this transaction ends.
SELECT value FROM meta WHERE key = 'last_ts' FOR UPDATE;

-- name: take_turn
-- Keep commits from coming until this transaction ends. Those that waited for it begin anew, so that they see what it
-- did.
UPDATE meta SET value = value WHERE key = 'last_ts';

-- name: history_start
-- The oldest timestamp that the log can lead back to.
SELECT value FROM meta WHERE key = 'history_start';

-- name: export_snapshot
-- Let other connections read at the moment of this one's transaction.
SELECT pg_export_snapshot();

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

-- name: long_indexes
-- Indexes that have long entries. One seek per index.
WITH RECURSIVE present (id) AS (
    (SELECT index_id FROM long_entries ORDER BY index_id LIMIT 1)
    UNION ALL
    SELECT (SELECT index_id FROM long_entries WHERE index_id > present.id ORDER BY index_id LIMIT 1)
    FROM present WHERE present.id IS NOT NULL
)
SELECT id FROM present WHERE id IS NOT NULL;

-- name: commit
-- A whole batch, in one statement that does nothing at all unless the last commit is still the one that it builds upon,
-- and no one came between whose work it does not see: a statement that has waited for another sees what was there
-- before it waited, while the row that it waited for is the new one. What is new cannot be there, and is put without the
-- look that ON CONFLICT takes for each row. The doorbell tells the other servers.
WITH turn AS (
    UPDATE meta SET value = $1::bigint WHERE key = 'last_ts' AND value = $2::bigint
    AND xmin = (SELECT seen.xmin FROM meta AS seen WHERE seen.key = 'last_ts') RETURNING value
), new_documents AS (
    INSERT INTO documents (id, table_number, ts, value)
    SELECT row.* FROM turn, unnest($3::text[], $4::bigint[], $5::bigint[], $6::bytea[]) AS row
), put_documents AS (
    INSERT INTO documents (id, table_number, ts, value)
    SELECT row.* FROM turn, unnest($7::text[], $8::bigint[], $9::bigint[], $10::bytea[]) AS row
    ON CONFLICT (id) DO UPDATE SET ts = excluded.ts, value = excluded.value
), delete_documents AS (
    DELETE FROM documents WHERE id = ANY($11::text[]) AND EXISTS (SELECT FROM turn)
), delete_entries AS (
    DELETE FROM index_entries USING unnest($12::bigint[], $13::bytea[]) AS gone (index_id, key)
    WHERE index_entries.index_id = gone.index_id AND index_entries.key = gone.key AND EXISTS (SELECT FROM turn)
), new_entries AS (
    INSERT INTO index_entries (index_id, key)
    SELECT row.* FROM turn, unnest($14::bigint[], $15::bytea[]) AS row
), put_entries AS (
    INSERT INTO index_entries (index_id, key)
    SELECT row.* FROM turn, unnest($16::bigint[], $17::bytea[]) AS row
    ON CONFLICT DO NOTHING
), put_log AS (
    INSERT INTO commit_log (ts, source, writes, points, node)
    SELECT row.* FROM turn, unnest($18::bigint[], $19::text[], $20::bytea[], $21::bytea[], $22::text[]) AS row
), put_outcomes AS (
    INSERT INTO outcomes (ts, session, request, result, logs)
    SELECT row.* FROM turn, unnest($23::bigint[], $24::bytea[], $25::bigint[], $26::bytea[], $27::bytea[]) AS row
)
SELECT value, pg_notify('reactor', $28::text) FROM turn;

-- name: delete_long_entries
-- Long index entries that a batch removed.
DELETE FROM long_entries USING unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS gone (index_id, head, digest)
WHERE long_entries.index_id = gone.index_id AND long_entries.head = gone.head AND long_entries.digest = gone.digest;

-- name: put_long_entries
-- Long index entries that a batch leaves behind.
INSERT INTO long_entries (index_id, head, digest, key)
SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[])
ON CONFLICT DO NOTHING;

-- name: fill_entries
-- Entries of an index that is being built, of those documents that no commit has written since they were read.
INSERT INTO index_entries (index_id, key)
SELECT $1::bigint, row.key FROM unnest($2::bytea[], $3::text[]) AS row (key, id)
JOIN documents ON documents.id = row.id WHERE documents.ts <= $4
ON CONFLICT DO NOTHING;

-- name: fill_long_entries
-- The same of those whose key is long.
INSERT INTO long_entries (index_id, head, digest, key)
SELECT $1::bigint, row.head, row.digest, row.key
FROM unnest($2::bytea[], $3::text[], $5::bytea[], $6::bytea[]) AS row (key, id, head, digest)
JOIN documents ON documents.id = row.id WHERE documents.ts <= $4
ON CONFLICT DO NOTHING;

-- name: put_table
-- A table that came.
INSERT INTO tables (name, number, by_id, by_creation) VALUES ($1, $2, $3, $4)
ON CONFLICT (number) DO UPDATE
SET name = excluded.name, by_id = excluded.by_id, by_creation = excluded.by_creation;

-- name: put_index
-- An index that came, or that is complete from now on.
INSERT INTO indexes (id, table_number, name, fields, is_unique, kind, complete) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE
SET table_number = excluded.table_number, name = excluded.name, fields = excluded.fields,
    is_unique = excluded.is_unique, kind = excluded.kind, complete = excluded.complete, dropped = false;

-- name: drop_index
-- An index that nobody reads any more, perhaps one whose building was given up; pruning deletes its entries.
INSERT INTO indexes (id, table_number, name, fields, dropped) VALUES ($1, 0, '', '[]', true)
ON CONFLICT (id) DO UPDATE SET dropped = true;

-- name: put_shape
-- What all documents of a table match from now on.
INSERT INTO shapes (table_number, shape) VALUES ($1, $2)
ON CONFLICT (table_number) DO UPDATE SET shape = excluded.shape;

-- name: forget_shape
-- A table whose documents are checked no longer.
DELETE FROM shapes WHERE table_number = $1;

-- name: raise_last_index
-- Remember the highest index number, so that none is given twice.
UPDATE meta SET value = $1 WHERE key = 'last_index' AND value < $1;

-- name: prune_log
-- Forget a page of the oldest log entries, and say from where on the log is complete.
WITH gone AS (
    DELETE FROM commit_log WHERE ts IN (SELECT ts FROM commit_log WHERE ts < $1 ORDER BY ts LIMIT $2) RETURNING ts
), moved AS (
    UPDATE meta SET value = greatest(value, (SELECT max(ts) FROM gone))
    WHERE key = 'history_start' AND EXISTS (SELECT FROM gone)
)
SELECT count(*) FROM gone;

-- name: prune_outcomes
-- Forget a page of the oldest outcomes.
WITH gone AS (
    DELETE FROM outcomes WHERE ts IN (SELECT ts FROM outcomes WHERE ts < $1 ORDER BY ts LIMIT $2) RETURNING ts
)
SELECT count(*) FROM gone;

-- name: dropped_indexes
-- Indexes whose entries are to be deleted.
SELECT id FROM indexes WHERE dropped ORDER BY id;

-- name: delete_index_entries
-- Delete a page of the entries of an index that nobody uses.
WITH gone AS (
    DELETE FROM index_entries
    WHERE index_id = $1 AND NOT EXISTS (SELECT FROM indexes WHERE id = $1 AND NOT dropped) AND key IN (
        SELECT key FROM index_entries WHERE index_id = $1 ORDER BY key LIMIT $2
    )
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_long_index_entries
-- Delete a page of the long entries of an index that nobody uses.
WITH gone AS (
    DELETE FROM long_entries
    WHERE index_id = $1 AND NOT EXISTS (SELECT FROM indexes WHERE id = $1 AND NOT dropped) AND (head, digest) IN (
        SELECT head, digest FROM long_entries WHERE index_id = $1 ORDER BY head, digest LIMIT $2
    )
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: forget_index
-- The last trace of an index without entries.
DELETE FROM indexes WHERE id = $1 AND dropped;

-- name: unfinished_indexes
-- Indexes with entries but without a record: left by who built them and died. One seek per index.
WITH RECURSIVE short (id) AS (
    (SELECT index_id FROM index_entries ORDER BY index_id LIMIT 1)
    UNION ALL
    SELECT (SELECT index_id FROM index_entries WHERE index_id > short.id ORDER BY index_id LIMIT 1)
    FROM short WHERE short.id IS NOT NULL
), long (id) AS (
    (SELECT index_id FROM long_entries ORDER BY index_id LIMIT 1)
    UNION ALL
    SELECT (SELECT index_id FROM long_entries WHERE index_id > long.id ORDER BY index_id LIMIT 1)
    FROM long WHERE long.id IS NOT NULL
)
SELECT id FROM (SELECT id FROM short UNION SELECT id FROM long) AS present
WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM indexes) AND id NOT IN (SELECT by_creation FROM tables)
ORDER BY id;
