-- Format 2: the shape of each table's documents, and which indexes are unique.
-- The table is made anew, since a column that ALTER TABLE adds would not be written as a fresh install writes it.

ALTER TABLE indexes RENAME TO old_indexes;

CREATE TABLE indexes (
    id INTEGER PRIMARY KEY,
    table_number INTEGER NOT NULL,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    is_unique INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO indexes (id, table_number, name, fields, dropped)
SELECT id, table_number, name, fields, dropped FROM old_indexes;

DROP TABLE old_indexes;

CREATE TABLE shapes (
    table_number INTEGER PRIMARY KEY,
    shape TEXT NOT NULL
) STRICT;
