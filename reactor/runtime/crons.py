"""Cron jobs, as an application declares them in `functions/crons.py`.

    crons = cron_jobs()
    crons.interval("forget visitors", {"minutes": 5}, visitors.forget)
    crons.daily("report", {"hour_utc": 3}, reports.make, team="all")

Behaviour follows get-convex/convex-backend, npm-packages/convex/src/server/cron.ts.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import msgspec

from reactor.database.made_calls import frame
from reactor.errors import DeveloperError, InvalidValue, LoadError
from reactor.runtime.calls import named_arguments
from reactor.runtime.cron_schedules import Schedule, parse
from reactor.runtime.functions import Function, Kind, Reference
from reactor.runtime.path_names import PathName
from reactor.runtime.registry import AnyFunction, with_extension
from reactor.values import ARGS, encode, size_of

__all__ = ["CRONS", "Cron", "CronJobs", "cron_jobs", "declared_crons"]

CRONS = "crons"
"""The module of `functions/` that declares cron jobs. It is no part of any function's path."""

ScheduleOption = Mapping[str, Any]
"""`{"hour_utc": 3, "minute_utc": 30}`; the names in camelCase (`hourUTC`) will do as well."""

_NAMES = ("crons", "default")
_NAME = re.compile(r"[ -~]{1,256}", re.ASCII)
_MOST = 1000
_ARGS_BYTES = 2**20


class Cron(msgspec.Struct, frozen=True):
    """A cron job: `path` as `module.js:function`, `args` the JSON text of a list with its one object of arguments."""

    name: str
    schedule: Schedule
    path: str
    args: bytes


class _Declared(msgspec.Struct):
    name: str
    schedule: Schedule
    function: Reference
    args: bytes
    where: str


class CronJobs:
    """The cron jobs of an application. The set in `functions/crons.py` runs.

    Every method takes a name, by which a job is known as long as it is there; when it runs; and a mutation or action,
    by itself or by its path, with its arguments as one dict, by name, or both. All times are in UTC. Raises LoadError
    for what cannot be.
    """

    __slots__ = ("declared",)

    def __init__(self) -> None:
        self.declared: dict[str, _Declared] = {}

    def interval(
        self,
        name: str,
        every: ScheduleOption | dt.timedelta,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> None:
        """Run for the first time at once, and then again each `every`: `{"seconds": 30}`, minutes, hours, or a
        timedelta. It is counted from when a run was due, so nothing drifts.
        """
        self._add("interval", name, every, function, args, named)

    def hourly(
        self,
        name: str,
        schedule: ScheduleOption,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> None:
        """Run each hour, at `{"minute_utc": 30}`. A minute that is left out is chosen by the job's name."""
        self._add("hourly", name, schedule, function, args, named)

    def daily(
        self,
        name: str,
        schedule: ScheduleOption,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> None:
        """Run each day, at `{"hour_utc": 3, "minute_utc": 30}`."""
        self._add("daily", name, schedule, function, args, named)

    def weekly(
        self,
        name: str,
        schedule: ScheduleOption,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> None:
        """Run each week, at `{"day_of_week": "monday", "hour_utc": 3, "minute_utc": 30}`."""
        self._add("weekly", name, schedule, function, args, named)

    def monthly(
        self,
        name: str,
        schedule: ScheduleOption,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> None:
        """Run each month, at `{"day": 1, "hour_utc": 3, "minute_utc": 30}`; months without that day are skipped."""
        self._add("monthly", name, schedule, function, args, named)

    def cron(
        self,
        name: str,
        expression: str,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> None:
        """Run at the minutes of a cron expression: `"30 3 * * 1-5"`, minute, hour, day, month, day of the week."""
        self._add("cron", name, expression, function, args, named)

    def _add(self, kind: str, name: Any, when: Any, function: Any, args: Any, named: dict[str, Any]) -> None:
        _check_name(name)
        former = self.declared.get(name)
        if former is not None:
            raise LoadError(f"Cron identifier registered twice: {name!r}, first at {former.where}. Rename one.")
        if len(self.declared) >= _MOST:
            raise LoadError(f"An application has at most {_MOST} cron jobs. Let one job do the work of several.")
        try:
            schedule = parse(kind, when)
        except LoadError as error:
            raise LoadError(f"Cron job {name!r}: {error}") from None
        if isinstance(function, PathName):
            function = str(function)
        _check_reference(name, function)
        caller = frame(2)
        where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        self.declared[name] = _Declared(name, schedule, function, _encoded(name, args, named), where)

    def __repr__(self) -> str:
        return f"<{len(self.declared)} cron jobs>"


def cron_jobs() -> CronJobs:
    """No cron jobs yet. Assign it to `crons` in `functions/crons.py`, and declare some."""
    return CronJobs()


# Loading


def declared_crons(
    modules: Mapping[str, ModuleType], find: Callable[[Reference], AnyFunction | None]
) -> dict[str, Cron]:
    """The cron jobs of `functions/crons.py` by name, none when it does not exist. Raises LoadError.

    `find` gives the function that is served for a reference, None when there is none.
    """
    jobs = _chosen(modules)
    return {} if jobs is None else {name: _resolved(one, find) for name, one in jobs.declared.items()}


def _chosen(modules: Mapping[str, ModuleType]) -> CronJobs | None:
    found = {path: sets for path, module in modules.items() if (sets := _sets_of(module))}
    mine = found.pop(CRONS, {})
    own = {id(one) for one in mine.values()}
    for path, sets in found.items():
        for name, one in sets.items():
            if id(one) not in own:
                raise LoadError(
                    f"functions/{path}.py has cron jobs, `{name}`, and only those of functions/{CRONS}.py run. Move "
                    "them there, or import them there."
                )
    if len(own) > 1 and not any(name in mine for name in _NAMES):
        raise LoadError(f"functions/{CRONS}.py has {len(own)} sets of cron jobs. Call the one to run `crons`.")
    return next((mine[name] for name in (*_NAMES, *mine) if name in mine), None)


def _sets_of(module: ModuleType) -> dict[str, CronJobs]:
    return {name: value for name, value in vars(module).items() if isinstance(value, CronJobs)}


def _resolved(one: _Declared, find: Callable[[Reference], AnyFunction | None]) -> Cron:
    here = f"{one.where}: cron job {one.name!r}"
    try:
        function = find(one.function)
    except DeveloperError as error:
        raise LoadError(f"{here}: {error}") from None
    if function is None:
        path = one.function.path if isinstance(one.function, Function) else str(one.function)
        raise LoadError(
            f"{here} runs {path}, which does not exist. Is it in functions/, and spelled `folder/module:name`?"
        )
    if function.kind is Kind.QUERY:
        raise LoadError(f"{here} runs {function.path}, which is a query. Only mutations and actions can be cron jobs.")
    return Cron(one.name, one.schedule, with_extension(function), one.args)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise LoadError(f"The name of a cron job is 1 to 256 printable ASCII characters, and {name!r:.300} is not.")


def _check_reference(name: str, function: Any) -> None:
    if not isinstance(function, str | Function):
        raise LoadError(
            f"Cron job {name!r}: a function is given by itself or by its path, not as {function!r:.200}. Is a "
            "decorator such as @internal_mutation missing? Arguments stand behind it."
        )


def _encoded(name: str, args: Any, named: dict[str, Any]) -> bytes:
    try:
        given = named_arguments(args, named)
        raw, size = encode([given], limits=ARGS), size_of([given])
    except (InvalidValue, DeveloperError) as error:
        raise LoadError(f"Cron job {name!r}: invalid arguments: {error}") from None
    if size >= _ARGS_BYTES:
        raise LoadError(
            f"Cron job {name!r}: its arguments have {size} bytes, and must stay below {_ARGS_BYTES}. Store what is "
            "large in documents, and let the function find them."
        )
    return raw
