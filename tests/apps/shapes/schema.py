"""One table, for ids."""

from reactor import define_schema, define_table, v

schema = define_schema({"things": define_table({"name": v.string(), "size": v.number()}).index("by_name", ["name"])})
