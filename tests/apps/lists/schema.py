"""Lists kept in two ways: a document for the whole list, and a document for each value."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "lists": define_table({"key": v.string(), "values": v.array(v.number())}).index("by_key", ["key"]),
        "items": define_table({"key": v.string(), "value": v.number(), "at": v.commit_ts()}).index(
            "by_key", ["key", "at"]
        ),
    }
)
"""A key that begins with "i" names a list of items: reading it is reading a range, appending adds to the range.

Items stand in the order of their commits: creation times are those of runs, and runs of several servers overlap."""
