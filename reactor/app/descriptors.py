"""File descriptors: each connection takes one, and files of the server's own need some too."""

import sys

__all__ = ["connections"]

_KEPT = 200
"""Descriptors that are no client's: the database, files that are sent and stored, the applications' own connections."""
_LEAST = 20


def connections(most: int) -> int:
    """How many connections there may be: `most`, or what the system's limit of open files has room for.

    The limit is raised as far as is needed, and as the system lets a process do so itself.
    """
    if sys.platform == "win32":
        return most
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = most + _KEPT if hard == unlimited else min(most + _KEPT, hard)
    if soft != unlimited and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (ValueError, OSError):  # some systems say that there is no limit, and have one
            pass
    return most if soft == unlimited else min(most, max(_LEAST, soft - _KEPT))
