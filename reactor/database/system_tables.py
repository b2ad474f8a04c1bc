"""The system's own tables.

Their numbers, which ids carry, are the same in every deployment, and below those of all other tables. They may have
indexes, which are for the server alone: functions read them by id and by creation time.
"""

from reactor.schema import Table, define_table
from reactor.values import v

__all__ = [
    "BY_NAME",
    "BY_NAME_AND_TIME",
    "BY_STATE_AND_END",
    "BY_STATE_AND_TIME",
    "CODE",
    "CRON_JOBS",
    "CRON_LOGS",
    "CRON_NEXT",
    "ENVIRONMENT",
    "HEALTH",
    "MIGRATIONS",
    "NODES",
    "READABLE",
    "SCHEDULED",
    "SYSTEM_TABLES",
    "declared",
    "is_system_name",
]

HEALTH = "_health"
"""One document that is written to see whether writes arrive."""

NODES, CODE = "_nodes", "_code"
"""Servers that share the store, a document each; and one document about the code that they are to serve."""

SCHEDULED = "_scheduled_functions"
CRON_JOBS, CRON_NEXT, CRON_LOGS = "_cron_jobs", "_cron_next_run", "_cron_job_logs"
MIGRATIONS = "_migrations"
ENVIRONMENT = "_environment_variables"
SYSTEM_TABLES = {
    "_storage": 1,
    SCHEDULED: 2,
    "_deleted_files": 11,
    CRON_JOBS: 12,
    CRON_NEXT: 13,
    CRON_LOGS: 14,
    MIGRATIONS: 31,
    ENVIRONMENT: 32,
    HEALTH: 100,
    NODES: 101,
    CODE: 102,
}

READABLE = ("_storage", SCHEDULED, MIGRATIONS)
"""Those that functions read, by `ctx.db.system`."""

BY_STATE_AND_TIME = "_by_state_and_time"
BY_STATE_AND_END = "_by_state_and_end"
BY_NAME = "_by_name"
BY_NAME_AND_TIME = "_by_name_and_time"

_DECLARED = {
    SCHEDULED: define_table(v.any())
    .index(BY_STATE_AND_TIME, ["state.kind", "scheduledTime"])
    .index(BY_STATE_AND_END, ["state.kind", "completedTime"]),
    CRON_LOGS: define_table(v.any()).index(BY_NAME_AND_TIME, ["name", "ts"]),
    ENVIRONMENT: define_table(v.any()).index(BY_NAME, ["name"]),
}
for _name, _table in _DECLARED.items():
    _table.name = _name


def declared(name: str) -> Table | None:
    """What the server itself declares of one of its tables: indexes, and nothing about documents."""
    return _DECLARED.get(name)


def is_system_name(name: str) -> bool:
    """Whether a table of this name is not the application's."""
    return name.startswith("_")
