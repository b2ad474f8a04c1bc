"""Texts to search."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "texts": define_table({"body": v.string(), "channel": v.string()}).search_index(
            "by_body", search_field="body", filter_fields=["channel"]
        )
    }
)
