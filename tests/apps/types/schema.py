"""Tables with a field of every kind, for the generated types."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "users": define_table({"name": v.string(), "settings": v.optional(v.any())}).index("by_name", ["name"]),
        "orders": define_table(
            {
                "userId": v.id("users"),
                "state": v.union(v.literal("open"), v.literal("paid"), v.literal(7), v.literal(True)),
                "cents": v.int64(),
                "picture": v.optional(v.bytes()),
                "address": v.object({"city": v.string(), "zip": v.nullable(v.string())}),
                "counts": v.record(v.string(), v.number()),
                "lines": v.array(v.object({"class": v.string(), "many": v.optional(v.number())})),
            }
        )
        .index("by_user", ["userId", "state"])
        .index("by_city", ["address.city"])
        .aggregate("totals", ["userId"]),
        "shapes": define_table(
            v.union(
                v.object({"kind": v.literal("circle"), "radius": v.number()}),
                v.object({"kind": v.literal("square"), "side": v.number()}),
            )
        ),
    }
)
