"""The catalogue of errors: each is met as a developer or a client meets it, and says what it is known by.

A row has a name, how it is brought about, the code of the error (None where it has none) and a part of its text. To
add one, write a `Row`; what it runs is a function of `APPLICATION` or of one that the row brings along.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reactor.runtime.identity import Identity
from reactor.values.ids import encode_id
from tests.integration.http.api import admin_header, open_api
from tests.integration.runtime.stage import Stage, open_stage

SCHEMA = """
from reactor import define_schema, define_table, v

schema = define_schema({
    "notes": define_table({"text": v.string(), "size": v.optional(v.number())}).index("by_both", ["text", "size"]),
    "others": define_table(v.any()),
    "books": define_table(v.any()).vector_index("near", vector_field="at", dimensions=2, filter_fields=["genre"]),
    "pages": define_table(v.any()).search_index("text", search_field="body", filter_fields=["genre"]),
    "tags": define_table(v.any()).unique("by_name", ["name"]).index("by_staged", ["size"], staged=True),
})
"""

APPLICATION = """
from reactor import *

@query
async def any(ctx: QueryCtx, **args): return args

@query
async def texts(ctx: QueryCtx, names: list[str]) -> list[str]: return names

@mutation
async def note(ctx: MutationCtx, n: int = 1):
    return [await ctx.db.insert("notes", {"text": f"{number}"}) for number in range(n)]

@internal_query
async def hidden(ctx: QueryCtx): ...

@action
async def act(ctx: ActionCtx): ...

@mutation(rate=Rate(1, per="day"))
async def daily(ctx: MutationCtx): ...
"""


@dataclass(frozen=True)
class Row:
    """`body` is that of a function of this `kind` with the name `f`; without one `path` is called with `args`.

    `before` is a mutation that is called first; `admin`: the call is the admin's, who is told everything.
    """

    name: str
    code: str | None
    text: str
    body: str = ""
    kind: str = "query"
    path: str = "f:f"
    args: dict[str, Any] = field(default_factory=dict)
    notes: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    before: str = ""
    admin: bool = False


def read(name: str, code: str | None, text: str, body: str, **more: Any) -> Row:
    return Row(name, code, text, body, **more)


def write(name: str, code: str | None, text: str, body: str, **more: Any) -> Row:
    return Row(name, code, text, body, kind="mutation", **more)


FILTER = "await ctx.db.query('notes').filter(lambda q: {}).collect()"
PAGE = "await ctx.db.query('notes').paginate({})"
NOTE = '(await ctx.db.insert("notes", {"text": "x"}))'
FILE = encode_id(1, b"f" * 16)
NEAR = 'await ctx.db.vector_search("books", "near", vector={})'
FOUND = 'await ctx.db.query("pages").with_search_index("text", lambda q: q{}).collect()'
RANGE = 'ctx.db.query("notes").with_index("by_both", lambda q: {})'
TIMES = {"function_cpu_seconds": 0.05, "function_system_seconds": 0.05, "determinism": "off"}

ROWS = [
    # Calls
    Row("args fail", "InvalidArgs", "ArgumentValidationError: ", path="app:texts", args={"names": [1]}),
    Row("missing field", "InvalidArgs", "is missing the required field `names`", path="app:texts"),
    Row(
        "extra field",
        "InvalidArgs",
        "contains extra field `more` that is not in the validator",
        path="app:texts",
        args={"names": [], "more": 1},
    ),
    read("result fails", "InvalidReturns", "ReturnsValidationError: ", "return await ctx.run_query(wrong)\n\n@query\n"
         "async def wrong(ctx) -> str: return 1"),
    Row(
        "args too large",
        "ArgumentsTooLarge",
        r"Arguments for app\.js:any are too large \(actual: 20\d\d bytes, limit: 1024 bytes\)",
        path="app:any",
        args={"a": "x" * 2000},
        settings={"max_args_bytes": 1024},
    ),
    read("result too large", "ResultTooLarge", r"f\.js:f return value is too large \(actual: 1\.96 KiB, limit: 1 KiB\)",
         "return 'x' * 2000", settings={"max_result_bytes": 1024}),
    Row("unknown function", "FunctionNotFound", "Could not find public function for 'app:nowhere'", path="app:nowhere"),
    Row("internal function", "FunctionNotFound", "Could not find public function for 'app:hidden'", path="app:hidden"),
    Row("wrong kind", "InvalidFunctionCall", "as Query, but it is defined as Mutation", path="app:note"),
    read("nested wrong kind", "InvalidFunctionCall", "Cannot call a Mutation function from a Query function",
         "await ctx.run_query('app:note')"),
    read("no such method", "InvalidFunctionCall", "Cannot call a Mutation function from a Query function",
         "await ctx.run_mutation('app:note')"),
    write("action in a mutation", "InvalidFunctionCall", "Cannot call a Action function from a Mutation function",
          "await ctx.run_action('app:act')"),
    Row("db in an action", "InvalidFunctionCall", "An action has no transaction", "ctx.db.get", kind="action"),
    read("nesting too deep", "MaximumCallDepthExceeded", "call depth limit exceeded", "await ctx.run_query('f:f')"),
    read("result fails", "InvalidReturns", r"^ReturnsValidationError: Value does not match validator",
         "return await ctx.run_query(promise)\n\n"
         "@internal_query\nasync def promise(ctx: QueryCtx) -> str: return 1"),
    read("result too large", "ResultTooLarge", r"f\.js:f return value is too large \(actual: \S+ KiB, limit: ",
         "return 'x' * 2000", settings={"max_result_bytes": 1024}),
    read("no value", "FunctionReturnInvalidJson", "set is not a supported value", "return {1}"),
    read("query not run", "FunctionReturnInvalidJson", r"take\(n\), first\(\) or unique\(\)",
         "return ctx.db.query('notes')"),
    read("not awaited", "FunctionReturnInvalidJson", "put `await` before", "return ctx.db.get('x')"),
    # Reading
    read("garbage id", "InvalidId", r'Invalid argument `id` for `db\.get`: Unable to decode ID "garbage"',
         "await ctx.db.get('garbage')"),
    read("no id", "TypeError", "Must provide arg 1 `id` to `get`", "await ctx.db.get(None)"),
    write("id of another table", "InvalidTable", r'expected to be an Id<"others">, got Id<"notes"> instead',
          f"await ctx.db.get('others', {NOTE})"),
    read("system table", "SystemTable", r"System tables can only be accessed with db\.system",
         "ctx.db.query('_storage')"),
    read("unknown index", "IndexNotFound", r"Index notes\.by_size not found",
         "ctx.db.query('notes').with_index('by_size')"),
    read("range out of order", "InvalidIndexRange", "by_both", "await " + RANGE.format("q.eq('size', 1)") + ".first()"),
    read("bound twice", "AlreadyDefinedBound", "Already defined", RANGE.format("q.gt('text', 'a').gte('text', 'b')")),
    read("bounds on two fields", "BoundsOnMultipleFields", "can only be applied to a single index field",
         RANGE.format("q.gt('text', 'a').lt('size', 1)")),
    read("builder reuse", "QueryBuilder", "can only be chained once and can't be chained after iteration begins",
         "q = ctx.db.query('notes'); await q.first(); await q.first()"),
    read("unique with several", "NotUnique",
         r"unique\(\) query returned more than one result from table notes: \[\w+, \w+, \.\.\.\]",
         "await ctx.db.query('notes').unique()", notes=3),
    read("staged index", "IndexStagedError", "not available to query", "ctx.db.query('tags').with_index('by_staged')"),
    read("system id", "SystemTable", r"System tables can only be accessed with db\.system",
         "await ctx.db.get(await ctx.run_query(file))\n\n"
         "@internal_query\nasync def file(ctx: QueryCtx):\n"
         "    from reactor.values import encode_id\n    return encode_id(1, b'f' * 16)"),
    # Vectors
    read("vector of another length", "IncorrectVectorDimensions",
         "Expected a vector with dimensions 2, as the index declares, but one with 3 was given",
         NEAR.format("[1, 2, 3]")),
    read("search of another field", "IncorrectSearchField", "is over `body`, not `title`",
         FOUND.format(".search('title', 'x')")),
    read("two searches", "DuplicateSearchFilters", "put the words into one text",
         FOUND.format(".search('body', 'x').search('body', 'y')")),
    read("no search", "MissingSearchFilter", "needs a text", FOUND.format(".eq('genre', 'x')")),
    read("no filter field of a search", "IncorrectFilterField", "Its filter fields: `genre`",
         FOUND.format(".search('body', 'x').eq('title', 1)")),
    Row("too many results", "TooManySearchResults", r"scanned too many documents \(fetched 1024\)", kind="mutation",
        body="for _ in range(1025):\n        await ctx.db.insert('pages', {'body': 'x'})\n    "
        + FOUND.format(".search('body', 'x')")),
    read("no search index", "IndexNotFound", r"Search index notes\.by_both not found",
         "await ctx.db.query('notes').with_search_index('by_both', lambda q: q.search('text', 'x')).first()"),
    read("no vector", "InvalidVector", "consists of finite numbers", NEAR.format("[1, float('nan')]")),
    read("empty vector", "InvalidVector", "needs a vector: a list of 2 numbers", NEAR.format("[]")),
    read("too many of the nearest", "InvalidVectorLimit", "from 1 to 256, not 257", NEAR.format("[1, 0], limit=257")),
    read("no filter field", "IncorrectFilterField", r"no filter field 'title' \(it has: genre\)",
         NEAR.format("[1, 0], filter=lambda q: q.eq('title', 1)")),
    read("no filter of vectors", "VectorFilterExpression", "has no `and`",
         NEAR.format("[1, 0], filter=lambda q: q.eq('genre', 1) & q.eq('genre', 2)")),
    read("too many conditions", "TooManyFilterConditions", r"65 conditions \(limit: 64\)",
         NEAR.format("[1, 0], filter=lambda q: q.or_(*(q.eq('genre', n) for n in range(65)))")),
    Row("too many vectors", "VectorIndexTooLarge", "Raise the setting vector_memory_bytes", kind="action",
        body="await ctx.run_mutation(book)\n    await ctx.vector_search('books', 'near', vector=[1, 0])\n\n"
        "@internal_mutation\nasync def book(ctx: MutationCtx):\n    await ctx.db.insert('books', {'at': [1, 0]})",
        settings={"vector_memory_bytes": 0}),
    read("no vector index", "IndexNotFound", r"Index notes\.by_both not found among the vector indexes",
         "await ctx.db.vector_search('notes', 'by_both', vector=[1])"),
    read("vector search beside the database", "InvalidFunctionCall", r"Here it is ctx\.db\.vector_search",
         "ctx.vector_search"),
    Row("camelCase in an action", "InvalidFunctionCall", r"ctx\.vectorSearch is written ctx\.vector_search in Python",
        kind="action", body="ctx.vectorSearch"),
    # Filters
    read("arithmetic of two kinds", "EvalError", r'Cannot add "0" \(type String\) and 1\.0 \(type Float64\)',
         FILTER.format("q.field('text') + 1 > 1"), notes=1),
    read("division by zero", "EvalError", "Cannot div 1 by zero",
         FILTER.format("q.div(Int64(1), Int64(0)) == 1"), notes=1),
    read("out of range", "EvalError", "the result is out of range for Int64",
         FILTER.format("q.add(Int64(2**63 - 1), Int64(1)) == 1"), notes=1),
    read("condition that is no boolean", "EvalError", r'Cannot use value "0" \(type String\) as a Boolean',
         FILTER.format("q.field('text')"), notes=1),
    read("Python's and", "FilterExpression", "Write & for and", FILTER.format("q.field('a') and q.field('b')")),
    read("too many operators", "TooManyOperators", r"Too many operators in one query \(limit: 1\)",
         "await ctx.db.query('notes').filter(lambda q: True).filter(lambda q: True).collect()",
         settings={"max_query_operators": 1}),
    # Pages
    read("no items", "NoDocumentsForPagination", "Must request at least 1 document while paginating",
         PAGE.format({"numItems": 0, "cursor": None})),
    read("too many items", "PageSizeTooLarge", r"\(limit: 32000\)", PAGE.format({"numItems": 32001, "cursor": None})),
    read("no rows", "InvalidPaginationLimit", "`maximumRowsRead` of a page is a number of at least 1",
         PAGE.format({"numItems": 1, "cursor": None, "maximumRowsRead": 0})),
    read("two pages", "MultiplePaginatedQueries", "ran multiple paginated queries",
         "; ".join([PAGE.format({"numItems": 1, "cursor": None})] * 2)),
    read("garbage cursor", "InvalidCursor", "Failed to parse cursor", PAGE.format({"numItems": 1, "cursor": "x"})),
    read("stale cursor", None, "^InvalidCursor: the cursor is of another query",
         "page = await ctx.run_query(begin)\n"
         "    " + PAGE.format("{'numItems': 1, 'cursor': page['continueCursor']}") + "\n\n"
         "@internal_query\nasync def begin(ctx: QueryCtx):\n"
         "    return await ctx.db.query('notes').order('desc').paginate({'numItems': 1, 'cursor': None})"),
    read("index of a system table", "IndexNotFound", r"Index _scheduled_functions\._by_state_and_time not found",
         "ctx.db.system.query('_scheduled_functions').with_index('_by_state_and_time')"),
    # Scheduling
    *[
        write(f"bad delay {delay}", "InvalidScheduledFunctionDelay", fault,
              f"await ctx.scheduler.run_after({delay}, 'app:note')")
        for delay, fault in (
            ("-1", "at least 0"), ("float('nan')", "finite"), ("2e11", "more than five years away"), ("'1'", "not str")
        )
    ],
    write("time without a zone", "InvalidScheduledFunctionDelay", "has no zone",
          "import datetime; await ctx.scheduler.run_at(datetime.datetime(2030, 1, 1), 'app:note')"),
    write("schedule an unknown function", "FunctionNotFound",
          "Attempted to schedule function at nonexistent path: app:nowhere",
          "await ctx.scheduler.run_after(0, 'app:nowhere')"),
    write("schedule what is no path", "BadConvexFunctionIdentifier", "is not a valid path",
          "await ctx.scheduler.run_after(0, 'a b')"),
    write("schedule what is no function", None, "A function reference is", "await ctx.scheduler.run_after(0, 1)"),
    write("too many jobs", "TooManyFunctionsScheduled", r"Too many functions scheduled by this mutation \(limit: 1\)",
          "for _ in range(2): await ctx.scheduler.run_after(0, 'app:note')", settings={"max_functions_scheduled": 1}),
    write("arguments of jobs too large", "ScheduledFunctionsArgumentsTooLarge",
          r"bytes of arguments of functions scheduled by this mutation \(limit: 1024\)",
          "await ctx.scheduler.run_after(0, 'app:any', a='x' * 1100)", settings={"max_scheduled_args_bytes": 1024}),
    write("arguments of a job too large", "ArgumentsTooLarge", r"Arguments for app\.js:any are too large",
          "await ctx.scheduler.run_after(0, 'app:any', a='x' * 1100)", settings={"max_args_bytes": 1024}),
    write("too many pending jobs", "TooManyPendingJobs", r"have not run yet \(limit: 1,",
          "for _ in range(2): await ctx.scheduler.run_after(0, 'app:note')", settings={"max_pending_jobs": 1}),
    write("cancel an id of another table", "InvalidTable", "must be an ID on the '_scheduled_functions' table",
          f"await ctx.scheduler.cancel({NOTE})"),
    write("cancel garbage", "InvalidId", "Unable to decode ID", "await ctx.scheduler.cancel('garbage')"),
    write("cancel without id", "TypeError", "Must provide arg 1 `id` to `cancel`", "await ctx.scheduler.cancel(None)"),
    write("schedule without await", "MissingAwait", r"ctx\.scheduler\.run_after\(\.\.\.\)` was called and not awaited",
          "ctx.scheduler.run_after(0, 'app:note')"),
    read("schedule in a query", "InvalidFunctionCall", "A query only reads: schedule functions in a mutation",
         "ctx.scheduler"),
    # Migrations
    write("unknown migration", "MigrationNotFound", r"There is no migration `nope`\. There are: m\.",
          "await ctx.run_mutation(m, next=['nope'])\n\n@migration(table='notes')\nasync def m(ctx, note): ..."),
    write("reset of a migration that waits", "MigrationUnderWay", r"`m` is under way, .* Cancel it first\.",
          "[await ctx.run_mutation(m, reset=reset) for reset in (False, True)]\n\n"
          "@migration(table='notes')\nasync def m(ctx, note): ..."),
    write("migration without await", "MissingAwait", r"`ctx\.run_mutation\(\.\.\.\)` was called and not awaited",
          "ctx.run_mutation(m)\n\n@migration(table='notes')\nasync def m(ctx, note): ..."),
    # Writing
    write("write to a system table", "SystemTable", r"System tables \(prefixed with `_`\) are read-only",
          "await ctx.db.insert('_x', {})"),
    *[
        write(f"{method} of missing", "NonexistentDocument", f"{title} on nonexistent document ID ",
              f"id = {NOTE}; await ctx.db.delete(id); await ctx.db.{method}(id{more})")
        for method, title, more in (
            ("patch", "Update", ", {}"), ("replace", "Replace", ", {}"), ("delete", "Delete", "")
        )
    ],
    write("own id", "InvalidIdError", "has `_id`; the system gives it", "await ctx.db.insert('others', {'_id': 'x'})"),
    write("own creation time", "InvalidCreationTimeError", "has `_creationTime`; the system gives it",
          "await ctx.db.insert('others', {'_creationTime': 1})"),
    write("own system field", "InvalidDocumentError", "only allowed for system fields like '_id'",
          "await ctx.db.insert('others', {'_x': 1})"),
    write("schema on write", "SchemaEnforcementError", r'Failed to insert or update a document in table "notes"',
          "await ctx.db.insert('notes', {})"),
    write("unique value taken", "UniqueViolation",
          r'Index tags\.by_name is unique, and document "\w+" has the same value',
          "for _ in 'ab': await ctx.db.insert('tags', {'name': 'x'})"),
    write("forgotten await", "MissingAwait", r"`ctx\.db\.insert\(\.\.\.\)` was called and not awaited",
          "ctx.db.insert('others', {})"),
    *[
        read(f"{member} in a query", "InvalidFunctionCall", rf"ctx\.db\.{member} is for mutations", f"ctx.db.{member}")
        for member in ("insert", "patch", "replace", "delete", "vars")
    ],
    read("camelCase", "InvalidFunctionCall", r"ctx\.db\.normalizeId is written ctx\.db\.normalize_id in Python",
         "ctx.db.normalizeId('notes', '')"),
    read("no such method", "InvalidFunctionCall", r"ctx\.db has no `find`\. It has: aggregate, aggregate_groups, get",
         "ctx.db.find"),
    write("document too large", "ValueTooLargeError", r"is too large \(\S+ (MiB|bytes) > maximum size 1 MiB\)",
          "await ctx.db.insert('notes', {'text': 'x' * 2**20})"),
    # Files
    write("id of a file", "InvalidStorageId", "cannot be an ID on any table other than '_storage'",
          f"await ctx.storage.delete({NOTE})"),
    read("garbage id of a file", "InvalidId", r'Invalid argument `id` for `storage\.get_url`: Unable to decode ID',
         "await ctx.storage.get_url('garbage')"),
    read("no id of a file", "TypeError", "ids are text, not NoneType", "await ctx.storage.get_metadata(None)"),
    write("missing file", "StorageIdNotFound", f"storage id {FILE} not found", f"await ctx.storage.delete('{FILE}')"),
    Row("missing file in an action", "StorageIdNotFound", f"storage id {FILE} not found", kind="action",
        body=f"async for _ in ctx.storage.stream('{FILE}'): ..."),
    read("deletion in a query", "InvalidFunctionCall", "A query only reads: delete files in a mutation",
         "await ctx.storage.delete('x')"),
    write("content in a mutation", "InvalidFunctionCall", r"Here get_url\(\) gives an address", "ctx.storage.get"),
    write("deletion not awaited", "MissingAwait", r"`ctx\.storage\.delete\(\.\.\.\)` was called and not awaited",
          "ctx.storage.delete('x')"),
    Row("text as a file", "TypeError", r"not str\. Encode text", kind="action", body="await ctx.storage.store('text')"),
    Row("numbers as a file", "TypeError", "Files are bytes, or an iterable of bytes, not int", kind="action",
        body="await ctx.storage.store([1, 2])"),
    Row("two lines of type", "TypeError", "is no content type", kind="action",
        body="await ctx.storage.store(b'', content_type='a\\nb')"),
    Row("no digest", "TypeError", "sha256 is a SHA-256 digest", kind="action",
        body="await ctx.storage.store(b'', sha256=b'short')"),
    Row("wrong digest", "Sha256Mismatch", "something was lost or changed on the way", kind="action",
        body="await ctx.storage.store(b'', sha256=bytes(32))"),
    Row("large file", "FileTooLarge", r"larger than 1024 bytes, the limit of max_file_bytes", kind="action",
        body="await ctx.storage.store(bytes(1025))", settings={"max_file_bytes": 1024}),
    read("no time to expire in", "TypeError", "expires_in is a number of seconds greater than 0",
         f"await ctx.storage.get_url('{FILE}', expires_in=0)"),
    # Budgets
    read("documents read", "TooManyDocumentsRead",
         r"Too many documents read in a single function execution \(limit: 3\).*max_documents_read",
         "await ctx.db.query('notes').collect()", notes=5, settings={"max_documents_read": 3}),
    read("bytes read", "TooManyBytesRead", r"Too many bytes read in a single function execution \(limit: 1024\)",
         "await ctx.db.query('notes').collect()", notes=50, settings={"max_bytes_read": 1024}),
    read("ranges read", "TooManyReads", r"Too many reads in a single function execution \(limit: 3\)",
         "for name in 'abcd': await " + RANGE.format("q.eq('text', name)") + ".first()",
         settings={"max_read_ranges": 3}),
    Row("documents written", "TooManyWrites", r"Too many writes in a single function execution \(limit: 3\)",
        kind="mutation", path="app:note", args={"n": 4}, settings={"max_documents_written": 3}),
    Row("bytes written", "TooManyBytesWritten", r"Too many bytes written in a single function execution \(limit: 1024",
        kind="mutation", path="app:note", args={"n": 40}, settings={"max_bytes_written": 1024}),
    read("budget of a call", "TooManyReads", r"in a nested call \(limit: 0, of its transaction_limits\)",
         "await ctx.run_query('app:first', transaction_limits={'read_ranges': 0})\n\n", notes=1),
    read("no budget", "InvalidTransactionLimits", "transaction_limits has no 'reads'",
         "await ctx.run_query('app:any', transaction_limits={'reads': 0})"),
    # Rates
    Row("called too often", "RateLimited", r"^RateLimited: app:daily is called too often\. It did not run",
        kind="mutation", path="app:daily", before="app:daily"),
    # Jobs
    Row("no dead letter", "NoDeadLetter", r"is no action all of whose tries have failed.*_system/jobs:deadLetters",
        kind="mutation", path="_system/jobs:runAgain", args={"id": FILE}, admin=True),
    # Time
    read("computes for too long", "UserTimeout", r"Function execution timed out \(maximum duration: 0\.05s\)",
         "while True: pass", settings=TIMES),
    read("waits for too long", "SystemTimeout", r"waiting included\)\. What it waited for did not come",
         "import asyncio; await asyncio.get_running_loop().create_future()", settings=TIMES),
    read("not repeatable", "NotDeterministic", r"time\.time\(\) at functions/f\.py:\d+ in `f`: .* Use ctx\.now",
         "import time; time.time()", settings={"determinism": "error"}),
    # Errors of the application
    read("exception", None, "^Uncaught ValueError: no", "raise ValueError('no')"),
    read("application error", None, '^Uncaught ConvexError: {"code":1}', "raise ConvexError({'code': 1})"),
    read("application error without a value", None, "^ConvexError with invalid data: ", "raise ConvexError({1})"),
]  # fmt: skip


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    row: Row = request.getfixturevalue("row")
    async with open_stage(tmp_path / "data", application(tmp_path, row), **row.settings) as stage:
        if row.notes:
            await stage.value("mutation", "app:note", n=row.notes)
        if row.before:
            await stage.value("mutation", row.before)
        if row.admin:
            stage.identity = Identity.admin()
        yield stage


def application(folder: Path, row: Row) -> Path:
    functions = folder / "app" / "functions"
    functions.mkdir(parents=True)
    (folder / "app" / "schema.py").write_text(SCHEMA)
    first = "\n@query\nasync def first(ctx: QueryCtx): return await ctx.db.query('notes').first()\n"
    (functions / "app.py").write_text(APPLICATION + first)
    if row.body:
        ctx = f"{row.kind.title()}Ctx"
        (functions / "f.py").write_text(
            f"from reactor import *\n\n@{row.kind}\nasync def f(ctx: {ctx}):\n    {row.body}\n"
        )
    return folder / "app"


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_an_error_says_what_it_is_known_by(stage: Stage, row: Row) -> None:
    failure = await stage.failure(row.kind, row.path, **row.args)
    assert re.search(row.text, failure.text), failure.text
    assert getattr(failure.error, "code", None) == row.code
    assert failure.message == f"[Request ID: {failure.request_id}] Server Error\n{failure.text}"


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_in_production_an_error_says_nothing(tmp_path: Path, row: Row) -> None:
    settings = {"determinism": row.settings.get("determinism")} | row.settings | {"mode": "production"}
    async with open_api(tmp_path / "data", application(tmp_path, row), **settings) as api:
        if row.notes:
            await api.value("mutation", "app:note", {"n": row.notes})
        if row.before:
            await api.value("mutation", row.before)
        if row.admin:
            said = (await api.post("function", row.path, row.args, headers=admin_header())).json()["errorMessage"]
            assert re.search(row.text, said)
            return
        message = await api.failure(row.kind, row.path, row.args)
        assert re.fullmatch(r"\[Request ID: [0-9a-f]{16}\] Server Error", message)
