from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "people": define_table(
            {
                "n": v.number(),
                "visits": v.optional(v.number()),
                "name": v.optional(v.string()),
                "pad": v.optional(v.any()),
            }
        ).index("by_visits", ["visits"]),
        "notes": define_table({"text": v.string()}),
    }
)
