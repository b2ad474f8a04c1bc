"""Messages in channels, found by channel and in channels by position."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "messages": define_table({"channel": v.string(), "body": v.string(), "position": v.optional(v.number())})
        .index("by_channel", ["channel"])
        .index("by_channel_and_position", ["channel", "position"]),
    }
)
