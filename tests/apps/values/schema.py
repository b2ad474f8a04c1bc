"""Documents that hold any value, and big ones."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "boxes": define_table({"name": v.string(), "value": v.any()}).index("by_name", ["name"]),
        "pages": define_table({"book": v.string(), "number": v.number(), "text": v.string()}).index(
            "by_book", ["book", "number"]
        ),
    }
)
