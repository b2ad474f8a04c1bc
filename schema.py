"""The school's tables: who its users are, what they talk about, what they write, and what its business is made of.

Money is in cents. Times are milliseconds since 1970; where dashboards add up by days, the day stands beside as text,
"2026-03-01" in UTC, so that totals of days are kept by the database (see `.aggregate`).
"""

from reactor import define_schema, define_table, v

ROLES = v.union(v.literal("student"), v.literal("teacher"), v.literal("admin"))
ESSAY_STATUS = v.union(v.literal("draft"), v.literal("submitted"), v.literal("reviewed"))
REQUEST_STATUS = v.union(
    v.literal("received"), v.literal("in_review"), v.literal("done"), v.literal("failed"), v.literal("cancelled")
)
ORDER_STATUS = v.union(v.literal("pending"), v.literal("paid"), v.literal("refunded"), v.literal("cancelled"))
PLAN = v.union(v.literal("single"), v.literal("monthly"), v.literal("yearly"))

SCORES = v.object({"structure": v.number(), "argument": v.number(), "style": v.number(), "grammar": v.number()})

schema = define_schema(
    {
        # People and what they talk about
        "users": define_table(
            {
                "name": v.string(),
                "email": v.string(),
                "role": ROLES,
                # Who this is for the provider that signs users in; missing as long as nobody has.
                "tokenIdentifier": v.optional(v.string()),
            }
        )
        .unique("by_email", ["email"])
        .unique("by_token", ["tokenIdentifier"]),
        "threads": define_table(
            {
                "userId": v.id("users"),
                "title": v.string(),
                # Renewed by each message, so that a list can show what is alive first.
                "lastActiveAt": v.number(),
                "archived": v.optional(v.boolean()),
            }
        ).index("by_user_and_activity", ["userId", "lastActiveAt"]),
        "messages": define_table(
            {
                "threadId": v.id("threads"),
                "role": v.union(v.literal("user"), v.literal("assistant")),
                "text": v.string(),
                # An answer of the assistant that is still being written.
                "streaming": v.optional(v.boolean()),
            }
        )
        .index("by_thread", ["threadId"])
        .aggregate("by_role", ["role"]),
        # Essays and their reviews
        "essays": define_table(
            {
                "userId": v.id("users"),
                "title": v.string(),
                "text": v.string(),
                "wordCount": v.number(),
                "status": ESSAY_STATUS,
                "fileId": v.optional(v.id("_storage")),
                "updatedAt": v.number(),
            }
        )
        .index("by_user_and_update", ["userId", "updatedAt"])
        .index("by_status_and_update", ["status", "updatedAt"])
        .search_index("search_text", search_field="text", filter_fields=["userId"]),
        "essayRequests": define_table(
            {
                "essayId": v.id("essays"),
                "userId": v.id("users"),
                "status": REQUEST_STATUS,
                "priority": v.union(v.literal("normal"), v.literal("express")),
                "reviewer": v.optional(v.string()),
                "dueAt": v.number(),
                "day": v.string(),
                "attempts": v.number(),
                "begunAt": v.optional(v.number()),
                "feedback": v.optional(v.string()),
                "scores": v.optional(SCORES),
                "finishedAt": v.optional(v.number()),
                "error": v.optional(v.string()),
            }
        )
        .index("by_user", ["userId"])
        .index("by_essay", ["essayId"])
        .index("by_status_and_due", ["status", "dueAt"])
        .aggregate("by_status", ["status"])
        .aggregate("by_day", ["day"]),
        "essayRequestEvents": define_table(
            {"requestId": v.id("essayRequests"), "status": REQUEST_STATUS, "note": v.optional(v.string())}
        ).index("by_request", ["requestId"]),
        # Business
        "customers": define_table(
            {
                "name": v.string(),
                "email": v.string(),
                "country": v.string(),
                "plan": PLAN,
                "active": v.boolean(),
                "day": v.string(),
                # Kept by whoever changes an order, in the same transaction: lists are sorted by it.
                "revenue": v.number(),
                "orders": v.number(),
                # The user who is this customer, if there is one: see functions/migrations.py.
                "userId": v.optional(v.id("users")),
            }
        )
        .unique("by_email", ["email"])
        .index("by_revenue", ["revenue"])
        .index("by_plan_and_revenue", ["plan", "revenue"])
        .index("by_country_and_revenue", ["country", "revenue"])
        .aggregate("by_day", ["day"])
        .aggregate("by_plan", ["active", "plan"], sum="revenue")
        .aggregate("by_country", ["country"], sum="revenue"),
        "orders": define_table(
            {
                "customerId": v.id("customers"),
                "product": v.string(),
                "amount": v.number(),
                "status": ORDER_STATUS,
                "day": v.string(),
                "placedAt": v.number(),
            }
        )
        .index("by_customer", ["customerId"])
        .index("by_status", ["status"])
        .aggregate("by_status_and_day", ["status", "day"], sum="amount")
        .aggregate("by_product_and_day", ["status", "product", "day"], sum="amount"),
        "payments": define_table(
            {
                "orderId": v.id("orders"),
                # The number that the payment provider gave it; a webhook that comes twice is noticed by it.
                "providerId": v.string(),
                "amount": v.number(),
                "status": v.union(v.literal("succeeded"), v.literal("failed"), v.literal("refunded")),
                "day": v.string(),
            }
        )
        .unique("by_provider_id", ["providerId"])
        .index("by_order", ["orderId"])
        .aggregate("by_status_and_day", ["status", "day"], sum="amount"),
        # Quality and operations
        "qualityReviews": define_table(
            {
                "requestId": v.id("essayRequests"),
                "reviewer": v.string(),
                "scores": SCORES,
                "overall": v.number(),
                # The overall score without its fraction, 0 to 10. Reviews from before the migration give_bands lack it.
                "band": v.optional(v.number()),
                "day": v.string(),
            }
        )
        .index("by_request", ["requestId"])
        .index("by_overall", ["overall"])
        .aggregate("by_day", ["day"], sum="overall")
        .aggregate("by_reviewer_and_day", ["reviewer", "day"], sum="overall")
        .aggregate("by_band_and_day", ["band", "day"])
        .aggregate("structure_by_day", ["day"], sum="scores.structure")
        .aggregate("argument_by_day", ["day"], sum="scores.argument")
        .aggregate("style_by_day", ["day"], sum="scores.style")
        .aggregate("grammar_by_day", ["day"], sum="scores.grammar"),
        "operationsEvents": define_table(
            {
                "kind": v.union(
                    v.literal("request_received"),
                    v.literal("review_started"),
                    v.literal("review_finished"),
                    v.literal("review_failed"),
                    v.literal("order_placed"),
                    v.literal("order_paid"),
                    v.literal("order_refunded"),
                ),
                "text": v.string(),
                "day": v.string(),
                # How long the step took that this ends, in milliseconds.
                "duration": v.optional(v.number()),
            }
        )
        .index("by_kind", ["kind"])
        .aggregate("by_kind_and_day", ["kind", "day"], sum="duration"),
        # One document at most: the key that opens the dashboards.
        "dashboardAccess": define_table({"key": v.string()}),
        # Signing in: codes that were sent, and browsers that stay signed in. Only hashes are kept.
        "loginCodes": define_table(
            {
                "email": v.string(),
                "codeHash": v.string(),
                "expiresAt": v.number(),
                # From where it was asked for; codes of earlier versions lack it, and have attempts instead.
                "caller": v.optional(v.string()),
                "attempts": v.optional(v.number()),
            }
        )
        .index("by_code", ["email", "codeHash"])
        .index("by_caller", ["email", "caller"]),
        "loginSessions": define_table(
            {"userId": v.id("users"), "secretHash": v.string(), "expiresAt": v.number()}
        ).unique("by_secret", ["secretHash"]),
        # The tables of the tour in functions/my_functions.py, and of functions/seed.py.
        "numbers": define_table({"value": v.number()}),
    }
)
