"""The system's own tables that functions may read, by `ctx.db.system`.

Their numbers, which ids carry, are the same in every deployment, and below those of all other tables.
"""

__all__ = ["SYSTEM_TABLES", "is_system_name"]

SYSTEM_TABLES = {"_storage": 1, "_scheduled_functions": 2}


def is_system_name(name: str) -> bool:
    """Whether a table of this name is not the application's."""
    return name.startswith("_")
