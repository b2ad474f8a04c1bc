-- Format 2: a database that any number of servers share.
-- The log says who committed, and what a commit touched beside documents; an index is recorded before it is complete.

ALTER TABLE commit_log
    ADD COLUMN points bytea NOT NULL DEFAULT '',
    ADD COLUMN node text NOT NULL DEFAULT '';

ALTER TABLE indexes ADD COLUMN complete boolean NOT NULL DEFAULT true;

-- From now on a number that has entries is known to everybody, and not only to who opens the database next.
UPDATE meta SET value = greatest(
    value, (SELECT max(index_id) FROM index_entries), (SELECT max(index_id) FROM long_entries)
) WHERE key = 'last_index';
