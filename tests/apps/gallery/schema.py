"""Pictures, which are files with a caption."""

from reactor import define_schema, define_table, v

schema = define_schema({"pictures": define_table({"caption": v.string(), "file": v.id("_storage")})})
