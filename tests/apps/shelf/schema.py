"""Books with vectors."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "books": define_table(
            {"title": v.string(), "genre": v.optional(v.string()), "at": v.optional(v.array(v.number()))}
        ).vector_index("near", vector_field="at", dimensions=3, filter_fields=["genre"]),
        "notes": define_table({"text": v.string()}),
    }
)
