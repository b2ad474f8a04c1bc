"""Notes with an index; other tables come to exist as they are needed."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "notes": define_table({"text": v.string(), "size": v.optional(v.number())}).index("by_text", ["text"]),
        "others": define_table(v.any()),
    }
)
