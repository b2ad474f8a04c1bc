"""Functions that the server itself has, for command lines, consoles and itself; callable with the admin key only."""

from collections.abc import Callable
from typing import Any

from reactor.database.pulse import beat, pulse
from reactor.runtime.contexts import MutationCtx, QueryCtx
from reactor.runtime.environment_functions import environment_functions
from reactor.runtime.file_functions import file_functions
from reactor.runtime.functions import Kind, system_function
from reactor.runtime.migration_functions import migration_functions
from reactor.runtime.registry import Registry
from reactor.runtime.system_jobs import job_functions

__all__ = ["BEAT", "PULSE", "SYSTEM_PREFIX", "system_functions"]

SYSTEM_PREFIX = "_system/"
BEAT, PULSE = "_system/health:beat", "_system/health:pulse"


def system_functions(application: Callable[[], Registry]) -> Registry:
    """The server's own functions; `application` gives the functions that serve now."""

    async def api_spec(ctx: QueryCtx) -> list[dict[str, Any]]:
        return application().spec()

    spec = system_function(api_spec, Kind.QUERY, "_system/cli/modules", "apiSpec")
    reads = system_function(_pulse, Kind.QUERY, "_system/health", "pulse")
    writes = system_function(_beat, Kind.MUTATION, "_system/health", "beat")
    migrations, environment = migration_functions(lambda: application().migrations), environment_functions()
    return Registry([spec, reads, writes, *migrations, *environment, *job_functions(), *file_functions()])


async def _pulse(ctx: QueryCtx) -> float:
    return await pulse(ctx._tx)  # pyright: ignore[reportPrivateUsage] - what contexts show is for applications


async def _beat(ctx: MutationCtx) -> float:
    return await beat(ctx._tx)  # pyright: ignore[reportPrivateUsage]
