"""Tables for random programs: checked ones, one that takes anything, and unique values in each."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "owners": define_table(
            {"name": v.string(), "level": v.optional(v.union(v.number(), v.null(), v.literal("high")))}
        ).unique("by_name", ["name"]),
        "things": define_table(
            {
                "kind": v.string(),
                "size": v.optional(v.union(v.number(), v.int64(), v.null())),
                "place": v.optional(v.object({"row": v.number(), "tag": v.optional(v.string())})),
                "owner": v.optional(v.id("owners")),
                "at": v.optional(v.commit_ts()),
            }
        )
        .index("by_kind_and_size", ["kind", "size"])
        .index("by_at", ["at"])
        .unique("by_place", ["place.row", "place.tag"]),
        "loose": define_table(v.any()).index("by_a", ["a", "b.c"]).unique("by_key", ["key.x"]),
    }
)
