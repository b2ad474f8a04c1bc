"""What `server.py` and `server.pyi` have in every application: the contexts and decorators, typed as far as they can be
without knowing its tables.
"""

__all__ = ["CONTEXTS", "HEAD", "SERVER"]

SERVER = """\
from reactor import (
    ActionCtx,
    MutationCtx,
    QueryCtx,
    action,
    internal_action,
    internal_mutation,
    internal_query,
    migration,
    mutation,
    query,
)

# What is here is what `reactor` has; server.pyi beside it tells type checkers of the tables.
__all__ = [
    "ActionCtx",
    "MutationCtx",
    "QueryCtx",
    "action",
    "internal_action",
    "internal_mutation",
    "internal_query",
    "migration",
    "mutation",
    "query",
]
"""
"""The whole of `server.py` but its first lines."""

HEAD = """\
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
# pyright: reportOverlappingOverload=false, reportUnusedImport=false, reportInvalidTypeVarUse=false
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from types import CoroutineType
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    Never,
    NotRequired,
    ParamSpec,
    TypeAlias,
    TypedDict,
    TypeVar,
    overload,
)

import reactor
from reactor import (
    AggregateGroup,
    AggregateResult,
    CallLimits,
    CommitTs,
    DocumentId,
    Int64,
    PaginationOptions,
    PaginationResult,
    Rate,
)
from reactor.database import expressions, reader, writer
from reactor.database.vector_filter import VectorCondition
from reactor.runtime import scheduling, storage
from reactor.runtime.functions import Function
from reactor.runtime.migrations import Migration
from reactor.runtime.retries import Duration
from reactor.values import UnsetType, Validator

from .data_model import *

P = ParamSpec("P")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F", bound=str)
N = TypeVar("N")
R = TypeVar("R")
S = TypeVar("S", bound=str)
T = TypeVar("T")
V = TypeVar("V")

Writing: TypeAlias = CoroutineType[Any, Any, T]

# Functions, and what calls of them take and give

class QueryFunction(Function[Concatenate[QueryCtx, P], C], Generic[P, C, R]): ...
class Schedulable(Generic[P]): ...
class MutationFunction(Function[Concatenate[MutationCtx, P], C], Schedulable[P], Generic[P, C, R]): ...
class ActionFunction(Function[Concatenate[ActionCtx, P], C], Schedulable[P], Generic[P, C, R]): ...

class QueryMaker:
    @overload
    def __call__(
        self, handler: Callable[Concatenate[QueryCtx, P], Coroutine[Any, Any, R]], /
    ) -> QueryFunction[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[QueryCtx, P], R], /) -> QueryFunction[P, R, R]: ...

class MutationMaker:
    @overload
    def __call__(
        self, handler: Callable[Concatenate[MutationCtx, P], Coroutine[Any, Any, R]], /
    ) -> MutationFunction[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[MutationCtx, P], R], /) -> MutationFunction[P, R, R]: ...

class ActionMaker:
    @overload
    def __call__(
        self, handler: Callable[Concatenate[ActionCtx, P], Coroutine[Any, Any, R]], /
    ) -> ActionFunction[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[ActionCtx, P], R], /) -> ActionFunction[P, R, R]: ...

Args: TypeAlias = Mapping[str, Validator] | Validator

class QueryDecorator(QueryMaker):
    @overload
    def __call__(
        self, handler: Callable[Concatenate[QueryCtx, P], Coroutine[Any, Any, R]], /
    ) -> QueryFunction[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[QueryCtx, P], R], /) -> QueryFunction[P, R, R]: ...
    @overload
    def __call__(
        self, /, *, args: Args | None = None, returns: Validator | None = None, rate: Rate | None = None
    ) -> QueryMaker: ...

class MutationDecorator(MutationMaker):
    @overload
    def __call__(
        self, handler: Callable[Concatenate[MutationCtx, P], Coroutine[Any, Any, R]], /
    ) -> MutationFunction[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[MutationCtx, P], R], /) -> MutationFunction[P, R, R]: ...
    @overload
    def __call__(
        self, /, *, args: Args | None = None, returns: Validator | None = None, rate: Rate | None = None
    ) -> MutationMaker: ...

class ActionDecorator(ActionMaker):
    @overload
    def __call__(
        self, handler: Callable[Concatenate[ActionCtx, P], Coroutine[Any, Any, R]], /
    ) -> ActionFunction[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[ActionCtx, P], R], /) -> ActionFunction[P, R, R]: ...
    @overload
    def __call__(
        self,
        /,
        *,
        args: Args | None = None,
        returns: Validator | None = None,
        rate: Rate | None = None,
        retries: int | None = None,
        backoff: Duration | None = None,
        max_backoff: Duration | None = None,
    ) -> ActionMaker: ...

query: QueryDecorator
internal_query: QueryDecorator
mutation: MutationDecorator
internal_mutation: MutationDecorator
action: ActionDecorator
internal_action: ActionDecorator

# Ranges of indexes, field by field in their order: a field, what it holds, and what comes after an equality on it

class RangeEnd: ...

class Below(RangeEnd, Generic[F, V]):
    def lt(self, field: F, value: V, /) -> RangeEnd: ...
    def lte(self, field: F, value: V, /) -> RangeEnd: ...

class Above(RangeEnd, Generic[F, V]):
    def gt(self, field: F, value: V, /) -> RangeEnd: ...
    def gte(self, field: F, value: V, /) -> RangeEnd: ...

class Range(RangeEnd, Generic[F, V, N]):
    def eq(self, field: F, value: V, /) -> N: ...
    def gt(self, field: F, value: V, /) -> Below[F, V]: ...
    def gte(self, field: F, value: V, /) -> Below[F, V]: ...
    def lt(self, field: F, value: V, /) -> Above[F, V]: ...
    def lte(self, field: F, value: V, /) -> Above[F, V]: ...

class SearchFilter(Generic[F, V]):
    def eq(self, field: F, value: V, /) -> SearchFilter[F, V]: ...

class Search(Generic[S, F, V]):
    def search(self, field: S, text: str, /) -> SearchFilter[F, V]: ...

class VectorFilter(Generic[F, V]):
    def eq(self, field: F, value: V, /) -> VectorCondition: ...
    def or_(self, *conditions: VectorCondition) -> VectorCondition: ...

class VectorMatch(TypedDict, Generic[D]):
    _id: D
    _score: float

class FilterBuilder(expressions.FilterBuilder, Generic[F]):
    def field(self, path: F) -> expressions.Expression: ...

class Query(Generic[D, F]):
    def order(self, order: Literal["asc", "desc"], /) -> Query[D, F]: ...
    def filter(self, predicate: Callable[[FilterBuilder[F]], expressions.Expression | bool], /) -> Query[D, F]: ...
    async def collect(self) -> list[D]: ...
    async def take(self, n: float, /) -> list[D]: ...
    async def first(self) -> D | None: ...
    async def unique(self) -> D | None: ...
    async def count(self) -> int: ...
    async def paginate(self, options: PaginationOptions | Mapping[str, Any], /) -> PaginationResult[D]: ...
    def __aiter__(self) -> AsyncIterator[D]: ...

"""
"""The beginning of `server.pyi`."""

CONTEXTS = """\
# Calls of functions, and the contexts

class QueryRunner:
    @overload
    def run_query(self, function: QueryFunction[P, Any, R], /, *args: P.args, **named: P.kwargs) -> Writing[R]: ...
    @overload
    def run_query(
        self,
        function: QueryFunction[..., Any, R],
        args: Mapping[str, Any],
        /,
        *,
        transaction_limits: CallLimits | None = None,
        use_stale_snapshot: bool = False,
    ) -> Writing[R]: ...
    @overload
    def run_query(
        self,
        function: QueryFunction[..., Any, R],
        /,
        *,
        transaction_limits: CallLimits,
        use_stale_snapshot: bool = False,
        **named: Any,
    ) -> Writing[R]: ...

class MutationRunner:
    @overload
    def run_mutation(
        self, function: MutationFunction[P, Any, R], /, *args: P.args, **named: P.kwargs
    ) -> Writing[R]: ...
    @overload
    def run_mutation(
        self,
        function: MutationFunction[..., Any, R],
        args: Mapping[str, Any],
        /,
        *,
        transaction_limits: CallLimits | None = None,
    ) -> Writing[R]: ...
    @overload
    def run_mutation(
        self, function: MutationFunction[..., Any, R], /, *, transaction_limits: CallLimits, **named: Any
    ) -> Writing[R]: ...

class Scheduler(scheduling.Scheduler):
    @overload
    def run_after(
        self, delay: float | dt.timedelta, function: Schedulable[P], /, *args: P.args, **named: P.kwargs
    ) -> Writing[ScheduledFunctionId]: ...
    @overload
    def run_after(
        self, delay: float | dt.timedelta, function: Schedulable[...], args: Mapping[str, Any], /
    ) -> Writing[ScheduledFunctionId]: ...
    @overload
    def run_at(
        self, time: float | dt.datetime, function: Schedulable[P], /, *args: P.args, **named: P.kwargs
    ) -> Writing[ScheduledFunctionId]: ...
    @overload
    def run_at(
        self, time: float | dt.datetime, function: Schedulable[...], args: Mapping[str, Any], /
    ) -> Writing[ScheduledFunctionId]: ...
    def cancel(self, id: ScheduledFunctionId, /) -> Writing[None]: ...

class FileReader:
    async def get_url(self, id: StorageId, /, *, expires_in: float | None = None) -> str | None: ...
    async def get_metadata(self, id: StorageId, /) -> dict[str, Any] | None: ...

class QueryStorage(FileReader, storage.QueryStorage): ...

class MutationStorage(FileReader, storage.MutationStorage):
    def delete(self, id: StorageId, /) -> Writing[None]: ...

class ActionStorage(FileReader, storage.ActionStorage):
    def delete(self, id: StorageId, /) -> Writing[None]: ...
    def store(
        self, content: storage.Content, /, *, content_type: str | None = None, sha256: str | bytes | None = None
    ) -> Writing[StorageId]: ...
    async def get(self, id: StorageId, /) -> bytes | None: ...
    def stream(self, id: StorageId, /) -> AsyncIterator[bytes]: ...

class QueryCtx(QueryRunner, reactor.QueryCtx):
    db: DatabaseReader
    @property
    def storage(self) -> QueryStorage: ...

class MutationCtx(QueryRunner, MutationRunner, reactor.MutationCtx):
    db: DatabaseWriter
    @property
    def storage(self) -> MutationStorage: ...
    @property
    def scheduler(self) -> Scheduler: ...

class ActionCtx(QueryRunner, MutationRunner, VectorSearcher, reactor.ActionCtx):
    @property
    def storage(self) -> ActionStorage: ...
    @property
    def scheduler(self) -> Scheduler: ...
    @overload
    def run_action(self, function: ActionFunction[P, Any, R], /, *args: P.args, **named: P.kwargs) -> Writing[R]: ...
    @overload
    def run_action(self, function: ActionFunction[..., Any, R], args: Mapping[str, Any], /) -> Writing[R]: ...
"""
"""The end of `server.pyi`."""
