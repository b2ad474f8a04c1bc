"""The school application's tables: who its users are, and what they talk about with the assistant."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "users": define_table(
            {
                "name": v.string(),
                "email": v.string(),
                "role": v.union(v.literal("student"), v.literal("teacher")),
            }
        ).index("by_email", ["email"]),
        "threads": define_table(
            {
                "userId": v.id("users"),
                "title": v.string(),
                # Milliseconds since the epoch; renewed by each message, so that a list can show what is alive first.
                "lastActiveAt": v.number(),
            }
        ).index("by_user_and_activity", ["userId", "lastActiveAt"]),
        "messages": define_table(
            {
                "threadId": v.id("threads"),
                "role": v.union(v.literal("user"), v.literal("assistant")),
                "text": v.string(),
            }
        ).index("by_thread", ["threadId"]),
        # The table of the tour in functions/my_functions.py.
        "numbers": define_table({"value": v.number()}),
    }
)
