"""Something to get at."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "notes": define_table({"owner": v.string(), "text": v.string(), "more": v.optional(v.any())})
        .index("by_owner", ["owner"])
        .search_index("by_text", search_field="text", filter_fields=["owner"]),
        "doors": define_table({"name": v.string(), "note": v.optional(v.id("notes"))}),
    }
)
