"""The system's own tables.

Their numbers, which ids carry, are the same in every deployment, and below those of all other tables.
"""

__all__ = ["HEALTH", "READABLE", "SYSTEM_TABLES", "is_system_name"]

HEALTH = "_health"
"""One document that is written to see whether writes arrive."""

SYSTEM_TABLES = {"_storage": 1, "_scheduled_functions": 2, HEALTH: 100}

READABLE = tuple(name for name in SYSTEM_TABLES if name != HEALTH)
"""Those that functions read, by `ctx.db.system`."""


def is_system_name(name: str) -> bool:
    """Whether a table of this name is not the application's."""
    return name.startswith("_")
