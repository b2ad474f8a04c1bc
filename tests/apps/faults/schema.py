"""A table of notes, so that there is something to spoil, and one that makes a result change."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "notes": define_table({"text": v.string()}),
        "turns": define_table({"count": v.number()}),
    }
)
