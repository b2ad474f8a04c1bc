-- Format 3: how the entries of an index come from documents.
-- The table is made anew, since a column that ALTER TABLE adds would not be written as a fresh install writes it.

ALTER TABLE indexes RENAME TO old_indexes;

CREATE TABLE indexes (
    id INTEGER PRIMARY KEY,
    table_number INTEGER NOT NULL,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    is_unique INTEGER NOT NULL DEFAULT 0,
    kind TEXT NOT NULL DEFAULT 'fields'
) STRICT;

INSERT INTO indexes (id, table_number, name, fields, dropped, is_unique)
SELECT id, table_number, name, fields, dropped, is_unique FROM old_indexes;

DROP TABLE old_indexes;
