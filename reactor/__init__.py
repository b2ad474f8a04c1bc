"""Reactor: a reactive realtime backend in Python.

Functions are decorated, tables are declared, and query results stay live:

    from reactor import MutationCtx, QueryCtx, define_schema, define_table, mutation, query, v
"""

from typing import TYPE_CHECKING

from reactor.exports import on_demand

if TYPE_CHECKING:
    from reactor.database.aggregates import AggregateGroup
    from reactor.database.limits import CallLimits
    from reactor.database.page_options import PaginationOptions, PaginationResult, pagination_opts_validator
    from reactor.database.totals import AggregateResult
    from reactor.errors import ConvexError, DeveloperError, RateLimited, ReactorError, UniqueViolation
    from reactor.runtime.contexts import ActionCtx, MutationCtx, QueryCtx
    from reactor.runtime.crons import CronJobs, cron_jobs
    from reactor.runtime.functions import (
        action,
        internal_action,
        internal_mutation,
        internal_query,
        mutation,
        query,
    )
    from reactor.runtime.http_router import HttpRouter, http_action, http_router
    from reactor.runtime.migrations import migration
    from reactor.runtime.rates import Rate
    from reactor.schema import define_schema, define_table
    from reactor.values import UNSET, CommitTs, DocumentId, Id, Int64, v
else:
    __getattr__ = on_demand(
        globals(),
        {
            "UNSET": "reactor.values",
            "ActionCtx": "reactor.runtime.contexts",
            "AggregateGroup": "reactor.database.aggregates",
            "AggregateResult": "reactor.database.totals",
            "CallLimits": "reactor.database.limits",
            "CommitTs": "reactor.values",
            "ConvexError": "reactor.errors",
            "CronJobs": "reactor.runtime.crons",
            "DeveloperError": "reactor.errors",
            "HttpRouter": "reactor.runtime.http_router",
            "DocumentId": "reactor.values",
            "Id": "reactor.values",
            "Int64": "reactor.values",
            "MutationCtx": "reactor.runtime.contexts",
            "PaginationOptions": "reactor.database.page_options",
            "PaginationResult": "reactor.database.page_options",
            "QueryCtx": "reactor.runtime.contexts",
            "Rate": "reactor.runtime.rates",
            "RateLimited": "reactor.errors",
            "ReactorError": "reactor.errors",
            "UniqueViolation": "reactor.errors",
            "action": "reactor.runtime.functions",
            "cron_jobs": "reactor.runtime.crons",
            "define_schema": "reactor.schema",
            "define_table": "reactor.schema",
            "http_action": "reactor.runtime.http_router",
            "http_router": "reactor.runtime.http_router",
            "internal_action": "reactor.runtime.functions",
            "internal_mutation": "reactor.runtime.functions",
            "internal_query": "reactor.runtime.functions",
            "migration": "reactor.runtime.migrations",
            "mutation": "reactor.runtime.functions",
            "pagination_opts_validator": "reactor.database.page_options",
            "query": "reactor.runtime.functions",
            "v": "reactor.values",
        },
    )

__all__ = [
    "UNSET",
    "ActionCtx",
    "AggregateGroup",
    "AggregateResult",
    "CallLimits",
    "CommitTs",
    "ConvexError",
    "CronJobs",
    "DeveloperError",
    "DocumentId",
    "HttpRouter",
    "Id",
    "Int64",
    "MutationCtx",
    "PaginationOptions",
    "PaginationResult",
    "QueryCtx",
    "Rate",
    "RateLimited",
    "ReactorError",
    "UniqueViolation",
    "action",
    "cron_jobs",
    "define_schema",
    "define_table",
    "http_action",
    "http_router",
    "internal_action",
    "internal_mutation",
    "internal_query",
    "migration",
    "mutation",
    "pagination_opts_validator",
    "query",
    "v",
]
