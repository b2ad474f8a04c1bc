from reactor import define_schema, define_table, v

schema = define_schema({"lines": define_table({"text": v.string(), "worker": v.number()})})
