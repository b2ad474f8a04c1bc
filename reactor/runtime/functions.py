"""The decorators that make a Python function a query, a mutation or an action, and what they make.

    @query
    async def list(ctx: QueryCtx, user_id: Id["users"]) -> list[dict[str, Any]]: ...

    @mutation(args={"title": v.string()}, returns=v.id("threads"))
    async def create(ctx, title): ...

Either type hints or `args=` and `returns=` declare what a function takes and gives; see `reactor.values.signatures`.
"""

import contextlib
import enum
import inspect
from collections.abc import Callable, Generator, Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeAlias, TypeVar, overload

from reactor.errors import ArgumentValidationError, LoadError
from reactor.runtime import logs
from reactor.runtime.frames import declared_at
from reactor.runtime.path_names import PathName
from reactor.runtime.paths import FunctionPath
from reactor.runtime.rates import Rate, read_rate
from reactor.runtime.retries import Duration, Retry, read_retry
from reactor.values import hints
from reactor.values.validators import (
    AnyValidator,
    ObjectValidator,
    TableNames,
    ValidationFailure,
    Validator,
    v,
)

__all__ = [
    "Function",
    "Kind",
    "Reference",
    "action",
    "internal_action",
    "internal_mutation",
    "internal_query",
    "mutation",
    "query",
]

P = ParamSpec("P")
R = TypeVar("R")

ArgsOption = Mapping[str, Validator] | Validator
"""What `args=` takes: a mapping of names to validators, or `v.object({...})`, or `v.any()`."""

Reference: TypeAlias = "str | PathName | Function[..., Any]"
"""What names a function in a call: the decorated function itself, or its path, as text or as in `api.rooms.list`."""

_created: ContextVar[list["Function[..., Any]"] | None] = ContextVar("reactor_functions_created", default=None)


class Kind(enum.Enum):
    """What a function may do; the value is its name on the wire."""

    QUERY = "Query"
    MUTATION = "Mutation"
    ACTION = "Action"


class Function(Generic[P, R]):
    """A declared function. `path` is its canonical path, `dir/file:export`.

    `args` and `returns` are its validators, None where anything goes; `flatten` makes dicts of the dataclass and Struct
    instances in a result, None when there can be none. They are read from the type hints when they are first asked
    for, so that a hint may name what its module defines further down.

    Calling it runs the plain Python function inside the caller's own run: no validation, no transaction of its own.
    """

    __slots__ = (
        "_args_option",
        "_bind",
        "_open",
        "_returns_option",
        "args",
        "flatten",
        "handler",
        "internal",
        "is_async",
        "kind",
        "module",
        "name",
        "path",
        "rate",
        "retry",
        "returns",
    )

    handler: Callable[P, R]
    kind: Kind
    internal: bool
    is_async: bool
    module: str
    name: str
    path: str
    rate: Rate | None
    retry: Retry | None
    args: Validator | None
    returns: Validator | None
    flatten: Callable[[Any], Any] | None
    _bind: hints.Binder | None
    _open: "_OpenParameters | None"

    def __init__(
        self,
        handler: Callable[P, R],
        kind: Kind,
        *,
        internal: bool = False,
        args: ArgsOption | None = None,
        returns: Validator | None = None,
        retry: Retry | None = None,
        rate: Rate | None = None,
    ) -> None:
        _check_declaration(handler, kind, args, returns)
        self.handler = handler
        self.rate, self.retry = rate, retry
        self.kind = kind
        self.internal = internal
        # A decorator in between may be a plain function that hands the coroutine on.
        self.is_async = inspect.iscoroutinefunction(inspect.unwrap(handler))
        self._args_option = args
        self._returns_option = returns
        # Until the loader knows better: a module imported in some other way still names its functions rightly.
        self.place(handler.__module__.removeprefix("functions.").replace(".", "/"), handler.__name__)
        created = _created.get()
        if created is not None:
            created.append(self)

    def place(self, module: str, name: str) -> None:
        """Say where it stands: `module` as in paths (`admin/rooms`)."""
        self.module = module
        self.name = name
        self.path = FunctionPath(module, name).canonical

    def copy(self) -> "Function[P, R]":
        """The same function once more, to be placed under another name."""
        return Function(
            self.handler,
            self.kind,
            internal=self.internal,
            args=self._args_option,
            returns=self._returns_option,
            retry=self.retry,
            rate=self.rate,
        )

    def complete(self) -> None:
        """Read the signature now. Raises LoadError, with file and line, for one that cannot be served."""
        option = self._args_option
        args = option if option is None or isinstance(option, Validator) else v.object(option)
        try:
            signature = hints.read_signature(self.handler, args=args, returns=self._returns_option)
        except LoadError as error:
            raise LoadError(f"{declared_at(self.handler)}: {error}") from error
        self.args, self.returns = signature.validator, signature.returns
        self.flatten, self._bind = signature.flatten, signature.bind
        # Where no validator has a list of the names, nobody else sees to it that a call fits the signature.
        self._open = None if isinstance(self.args, ObjectValidator) else _OpenParameters(self.handler)

    def accept(self, args: dict[str, Any], tables: TableNames) -> dict[str, Any]:
        """Check arguments as they came and give the keywords to call the handler with.

        Names may be in snake_case or camelCase. Raises ArgumentValidationError.
        """
        if self.args is not None:
            try:
                self.args.check(args, tables)
            except ValidationFailure as failure:
                raise ArgumentValidationError(str(failure)) from None
        keywords = self.bind(args, tables)
        if self._open is not None:
            self._open.check(args, keywords)
        return keywords

    def bind(self, args: dict[str, Any], tables: TableNames) -> dict[str, Any]:
        """Keywords for the handler from checked arguments: names as its parameters, instances built."""
        bind = self._bind
        return args if bind is None else bind(args, tables)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        run = logs.current_run()
        if run is not None:
            run.warn_once(
                self.path,
                f"{self.path} was called as a plain Python function: its arguments are not checked and it has no "
                "transaction of its own. Move what is shared into an undecorated function, or use ctx.run_query, "
                "ctx.run_mutation or ctx.run_action.",
            )
        return self.handler(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{'internal ' if self.internal else ''}{self.kind.value} {self.path}>"

    @property
    def __wrapped__(self) -> Callable[P, R]:
        return self.handler

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Reached only while a slot is still empty: afterwards reading it costs nothing extra.
            if name in _READ_LATER:
                self.complete()
                return getattr(self, name)
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}", name=name, obj=self)


def system_function(handler: Callable[..., Any], kind: Kind, module: str, name: str) -> Function[..., Any]:
    """A function of the server's own, at its path."""
    function = Function(handler, kind, internal=True)
    function.place(module, name)
    return function


_READ_LATER = frozenset({"args", "returns", "flatten", "_bind", "_open"})


class _OpenParameters:
    """The parameters of a handler that takes any arguments."""

    __slots__ = ("_context", "_names", "_others", "_required")

    def __init__(self, handler: Callable[..., Any]) -> None:
        context, *parameters = inspect.signature(handler).parameters.values()
        self._context = context.name
        self._others = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
        named = [parameter for parameter in parameters if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
        self._names = {parameter.name for parameter in named}
        self._required = {parameter.name for parameter in named if parameter.default is inspect.Parameter.empty}

    def check(self, args: dict[str, Any], keywords: dict[str, Any]) -> None:
        """Raises ArgumentValidationError for what Python would refuse with a TypeError from inside of Reactor."""
        names = keywords.keys()
        if len(names) < len(args):
            raise ArgumentValidationError("One argument was given twice, in snake_case and in camelCase. Give it once.")
        if self._context in names:
            raise ArgumentValidationError(f"The name `{self._context}` is taken by the function's own first parameter.")
        if missing := self._required - names:
            raise ArgumentValidationError(f"The function needs {_quoted(missing)}, and the call does not give it.")
        if not self._others and (surplus := names - self._names):
            takes = _quoted(self._names) or "nothing"
            raise ArgumentValidationError(f"The function has no argument {_quoted(surplus)}; it takes {takes}.")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


@contextlib.contextmanager
def creations() -> Generator[list[Function[..., Any]]]:
    """Collects the functions declared inside the block, in order; the loader's way to know where each belongs."""
    created: list[Function[..., Any]] = []
    token = _created.set(created)
    try:
        yield created
    finally:
        _created.reset(token)


def is_creating() -> bool:
    """Whether a module of an application is being imported here."""
    return _created.get() is not None


class Decorator:
    """`@query`, `@query()` or `@query(args=..., returns=..., rate=...)`; and so for the five others.

    `args` is a mapping of names to validators, an object validator, or `v.any()`; it takes the place of type hints
    on the parameters. `returns` is a validator and takes the place of the hint on the result. `rate` is how often
    clients may call it. Raises LoadError when both are given, and for what cannot be a function.
    """

    __slots__ = ("_internal", "_kind")

    def __init__(self, kind: Kind, *, internal: bool = False) -> None:
        self._kind = kind
        self._internal = internal

    @overload
    def __call__(self, handler: Callable[P, R], /) -> Function[P, R]: ...
    @overload
    def __call__(
        self, /, *, args: ArgsOption | None = None, returns: Validator | None = None, rate: Rate | None = None
    ) -> Callable[[Callable[P, R]], Function[P, R]]: ...
    def __call__(
        self,
        handler: Callable[P, R] | None = None,
        /,
        *,
        args: ArgsOption | None = None,
        returns: Validator | None = None,
        rate: Rate | None = None,
    ) -> Function[P, R] | Callable[[Callable[P, R]], Function[P, R]]:
        def declare(handler: Callable[P, R]) -> Function[P, R]:
            limit = read_rate(_where(handler, self._kind), rate, internal=self._internal)
            return Function(handler, self._kind, internal=self._internal, args=args, returns=returns, rate=limit)

        return declare if handler is None else declare(handler)


class ActionDecorator(Decorator):
    """`@action` and `@internal_action`, which also take what is to happen when a scheduled run fails.

    `retries`: so many times it is run again, 0 if nothing is said. `backoff` is the wait before the first of them, a
    number of seconds or a timedelta (1 s if nothing is said), doubled each time up to `max_backoff` (an hour). It
    counts for runs by the scheduler and by cron jobs, not for calls by clients and functions. Raises LoadError.
    """

    __slots__ = ()

    @overload
    def __call__(self, handler: Callable[P, R], /) -> Function[P, R]: ...
    @overload
    def __call__(
        self,
        /,
        *,
        args: ArgsOption | None = None,
        returns: Validator | None = None,
        rate: Rate | None = None,
        retries: int | None = None,
        backoff: Duration | None = None,
        max_backoff: Duration | None = None,
    ) -> Callable[[Callable[P, R]], Function[P, R]]: ...
    def __call__(
        self,
        handler: Callable[P, R] | None = None,
        /,
        *,
        args: ArgsOption | None = None,
        returns: Validator | None = None,
        rate: Rate | None = None,
        retries: int | None = None,
        backoff: Duration | None = None,
        max_backoff: Duration | None = None,
    ) -> Function[P, R] | Callable[[Callable[P, R]], Function[P, R]]:
        internal = self._internal

        def declare(handler: Callable[P, R]) -> Function[P, R]:
            where = _where(handler, self._kind)
            limit = read_rate(where, rate, internal=internal)
            retry = read_retry(where, retries, backoff, max_backoff)
            return Function(handler, self._kind, internal=internal, args=args, returns=returns, retry=retry, rate=limit)

        return declare if handler is None else declare(handler)


def _where(handler: Any, kind: Kind) -> str:
    decorator = f"@{kind.value.lower()}"
    return f"{declared_at(handler)}: {decorator}" if inspect.isfunction(handler) else decorator


query = Decorator(Kind.QUERY)
mutation = Decorator(Kind.MUTATION)
action = ActionDecorator(Kind.ACTION)
internal_query = Decorator(Kind.QUERY, internal=True)
internal_mutation = Decorator(Kind.MUTATION, internal=True)
internal_action = ActionDecorator(Kind.ACTION, internal=True)


def _check_declaration(
    handler: Callable[..., Any], kind: Kind, args: ArgsOption | None, returns: Validator | None
) -> None:
    decorator = f"@{kind.value.lower()}"
    if not inspect.isfunction(handler):
        raise LoadError(
            f"{decorator} stands on {handler!r}: put it on a `def` or `async def`, and only one such there."
        )
    where = f"{declared_at(handler)}: {decorator} {handler.__name__}"
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise LoadError(f"{where} uses `yield`: a function gives its result at once, so build a list and return it.")
    hinted = [name for name in list(handler.__annotations__) if name not in {"return", _context_of(handler)}]
    if args is not None and hinted:
        raise LoadError(
            f"{where} has both `args=` and a type hint on {_quoted(hinted)}: choose one. Drop `args=`, or the hints of "
            "all parameters but the first."
        )
    if returns is not None and "return" in handler.__annotations__:
        raise LoadError(f"{where} has both `returns=` and a type hint on its result: choose one.")
    if not isinstance(args, Mapping | ObjectValidator | AnyValidator | None):
        raise LoadError(f"{where}: `args=` takes a mapping of names to validators, v.object(...) or v.any().")


def _context_of(handler: Callable[..., Any]) -> str | None:
    return next(iter(inspect.signature(handler).parameters), None)
