"""`@migration`: a function that brings the documents of one table into a new shape, one after another.

    @migration(table="users")
    async def give_names(ctx: MutationCtx, user: dict[str, Any]) -> dict[str, Any] | None:
        return None if "name" in user else {"name": "?"}

As a function of the application it is an internal mutation, which asks the server to begin; how it then goes through
the table is told in `reactor.jobs.migrator` (what it can do follows get-convex/migrations, src/client/index.ts).
"""

import ast
import functools
import hashlib
import inspect
import itertools
import textwrap
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

from reactor.database.index_range import IndexRange
from reactor.errors import DeveloperError, LoadError
from reactor.runtime.frames import declared_at
from reactor.runtime.functions import Function, Kind
from reactor.runtime.migration_control import request
from reactor.values.signatures import read_signature

__all__ = ["LARGEST_BATCH", "Migration", "Migrations", "migration"]

LARGEST_BATCH = 1000
"""A document may take two reads and a write; so many stay below what one transaction may do."""

Migrate = Callable[..., Awaitable[Mapping[str, object] | None] | Mapping[str, object] | None]
"""What is decorated: takes `ctx` and a document, gives changes as `ctx.db.patch` takes them, or None."""

Range = Callable[[IndexRange], IndexRange]

_numbers = itertools.count()


class Migration(Function[..., Any]):
    """A declared migration. Where it is run as a function, it asks the server to go through its table; called in Python
    it does to one document what it is written to do.

    `number` orders migrations as they were declared; `version` is the same for equal code, comments not counted.
    """

    __slots__ = ("_begin", "batch_size", "index", "migrate", "number", "range", "table", "version")

    def __init__(
        self,
        migrate: Migrate,
        table: str,
        *,
        batch_size: int | None = None,
        index: str | None = None,
        range: Range | None = None,
        number: int | None = None,
    ) -> None:
        self.migrate, self.table, self.batch_size = migrate, table, batch_size
        self.index, self.range = index, range
        self.number = next(_numbers) if number is None else number
        self.version = _version(migrate)
        self._begin = _request_for(self)
        super().__init__(_in_place_of(migrate, self._begin), Kind.MUTATION, internal=True)
        self.is_async = True

    def copy(self) -> "Migration":
        """The same migration once more, to be placed under another name."""
        return Migration(
            self.migrate,
            self.table,
            batch_size=self.batch_size,
            index=self.index,
            range=self.range,
            number=self.number,
        )

    def __call__(self, ctx: Any, document: Any) -> Any:
        return self.migrate(ctx, document)

    @property
    def __wrapped__(self) -> Migrate:
        return self.migrate

    def complete(self) -> None:
        """Read what it takes when it is called as a function, which has nothing to do with what is decorated."""
        signature = read_signature(self._begin)
        self.args, self.returns = signature.validator, signature.returns
        self.flatten, self._bind, self._open = signature.flatten, signature.bind, None


class Migrations:
    """The migrations of one version of the code, in the order of their declaration.

    Raises LoadError when two have one name: it is what is remembered of a migration.
    """

    __slots__ = ("_by_name",)

    def __init__(self, functions: Iterable[Function[..., Any]] = ()) -> None:
        found = [function for function in functions if isinstance(function, Migration)]
        self._by_name: dict[str, Migration] = {}
        for each in sorted(found, key=lambda one: one.number):
            other = self._by_name.setdefault(each.name, each)
            if other is not each:
                raise LoadError(
                    f"Two migrations are called `{each.name}` ({declared_at(other.migrate)} and "
                    f"{declared_at(each.migrate)}), and each is remembered by its name. Rename one."
                )

    def get(self, name: str) -> Migration | None:
        """The migration of a name."""
        return self._by_name.get(name)

    def named(self, text: str) -> Migration:
        """The migration that a person names: `give_names` or `migrations:give_names`. Raises DeveloperError."""
        name = text.rpartition(":")[2]
        found = self._by_name.get(name)
        if found is None or text not in (name, found.path):
            known = ", ".join(self._by_name) or "none yet; write one with @migration(table=...)"
            raise DeveloperError(f"There is no migration `{text:.80}`. There are: {known}.", code="MigrationNotFound")
        return found

    def __iter__(self) -> Iterator[Migration]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


def migration(
    *, table: str, batch_size: int | None = None, index: str | None = None, range: Range | None = None
) -> Callable[[Migrate], Migration]:
    """Declare how the documents of `table` come into a new shape: `@migration(table="users")`.

    The function gets `ctx` of a mutation and each document in turn. It returns a dict of changes, as `ctx.db.patch`
    takes them, or None to leave the document as it is; it may also write by itself. Documents are visited in the order
    of their creation, a batch to a transaction, while the server serves; `batch_size` is the most in one batch, None:
    as many as take some milliseconds. `index`, a name, walks along another index, and `range` narrows it:
    `lambda q: q.eq("name", UNSET)`. Raises LoadError for options that cannot be, and on what is no function of two
    arguments.
    """
    if not isinstance(table, str) or not table or table.startswith("_"):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise LoadError(f'@migration needs the name of a table of yours: @migration(table="users"), not {table!r:.80}.')
    if batch_size is not None and (type(batch_size) is not int or not 1 <= batch_size <= LARGEST_BATCH):
        raise LoadError(
            f"@migration: `batch_size` is a whole number of documents, 1 to {LARGEST_BATCH}, not {batch_size!r:.80}."
        )
    if range is not None and index is None:
        raise LoadError("@migration: `range` narrows an index, so name it: index=... beside range=...")

    def declare(migrate: Migrate) -> Migration:
        _check(migrate)
        return Migration(migrate, table, batch_size=batch_size, index=index, range=range)

    return declare


def _check(migrate: Migrate) -> None:
    if not inspect.isfunction(migrate):
        raise LoadError(f"@migration stands on {migrate!r:.80}: put it on a `def` or `async def`, and only one such.")
    where = f"{declared_at(migrate)}: @migration {migrate.__name__}"
    if inspect.isgeneratorfunction(migrate) or inspect.isasyncgenfunction(migrate):
        raise LoadError(f"{where} uses `yield`: return the changes of the one document that it gets.")
    try:
        inspect.signature(migrate).bind(None, {})
    except TypeError:
        raise LoadError(f"{where} has to take two arguments: `ctx`, and a document.") from None


def _request_for(asked: Migration) -> Callable[..., Awaitable[str]]:
    """The mutation that asks for a migration, and for those in `next` behind it; gives what became of the request."""

    async def begin(ctx: Any, next: list[str] | None = None, reset: bool = False, catch_up: bool = False) -> str:
        known: Migrations = ctx._calls.scheduling.registry.migrations
        series = [known.named(asked.name), *(known.named(name) for name in next or ())]
        return (await request(ctx._tx, series, reset=reset, catch_up=catch_up))[asked.name]

    return begin


def _in_place_of(migrate: Migrate, begin: Callable[..., Awaitable[str]]) -> Callable[..., Any]:
    """`begin`, known by the name and the place of what is decorated."""

    @functools.wraps(migrate)
    async def handler(ctx: Any, **args: Any) -> str:
        return await begin(ctx, **args)

    return handler


def _without_size(tree: ast.Module) -> ast.Module:
    """How large its batches are changes nothing of what it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "batch_size"]
    return tree


def _version(migrate: Migrate) -> str:
    function: Any = inspect.unwrap(migrate)
    try:
        source = ast.unparse(_without_size(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    except (OSError, TypeError, SyntaxError):  # written where no source is kept, or inside of an expression
        code = function.__code__
        source = repr((code.co_code, code.co_names, [c for c in code.co_consts if isinstance(c, str | int | float)]))
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:16]
