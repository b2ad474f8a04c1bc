"""Accounts in two branches; transfers keep the sum of a bank constant."""

from reactor import define_schema, define_table, v

schema = define_schema(
    {
        "accounts": define_table({"bank": v.string(), "branch": v.string(), "balance": v.number()}).index(
            "by_bank_and_branch", ["bank", "branch"]
        ),
        "entries": define_table({"ledger": v.string(), "writer": v.string(), "sequence": v.number()}).index(
            "by_ledger", ["ledger"]
        ),
        "counters": define_table({"name": v.string(), "value": v.number()}).index("by_name", ["name"]),
    }
)
