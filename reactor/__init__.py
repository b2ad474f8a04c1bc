"""Reactor: a reactive realtime backend in Python.

Functions are decorated, tables are declared, and query results stay live:

    from reactor import MutationCtx, QueryCtx, define_schema, define_table, mutation, query, v
"""

from reactor.database.page_options import PaginationOptions, PaginationResult, pagination_opts_validator
from reactor.errors import ConvexError, DeveloperError, ReactorError, UniqueViolation
from reactor.runtime.contexts import ActionCtx, MutationCtx, QueryCtx
from reactor.runtime.functions import (
    action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)
from reactor.schema import define_schema, define_table
from reactor.values import UNSET, CommitTs, Id, Int64, v

__all__ = [
    "UNSET",
    "ActionCtx",
    "CommitTs",
    "ConvexError",
    "DeveloperError",
    "Id",
    "Int64",
    "MutationCtx",
    "PaginationOptions",
    "PaginationResult",
    "QueryCtx",
    "ReactorError",
    "UniqueViolation",
    "action",
    "define_schema",
    "define_table",
    "internal_action",
    "internal_mutation",
    "internal_query",
    "mutation",
    "pagination_opts_validator",
    "query",
    "v",
]
