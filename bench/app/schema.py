"""What the benchmark keeps."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "messages": define_table({"channel": v.string(), "author": v.string(), "body": v.string()}).index(
            "by_channel", ["channel"]
        ),
        "counters": define_table({"name": v.string(), "value": v.number()}).index("by_name", ["name"]),
        "documents": define_table({"key": v.string(), "body": v.string()}).index("by_key", ["key"]),
    }
)
