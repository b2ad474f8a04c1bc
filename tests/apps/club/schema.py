"""Rooms of a club and who is in them."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "visits": define_table({"room": v.string(), "n": v.number()})
        .index("by_room", ["room"])
        .index("by_room_and_n", ["room", "n"]),
    }
)
