"""Calling functions over HTTP: /api/query, /api/mutation, /api/action, /api/run, /api/function and consistent reads.

A function's failure is an answer with status 200 (get-convex/convex-backend, crates/local_backend/src/public_api.rs).
"""

import asyncio
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from reactor.database.database import Database
from reactor.database.transaction import Transaction
from reactor.errors import CallRefused, DeveloperError
from reactor.http.authorization import AdminKey, Verify, caller
from reactor.http.exchange import Answer, HttpError, retry_after, sender_request_id
from reactor.http.formats import answer_format, in_format
from reactor.live.queries import Queries
from reactor.runtime.actions import Actions
from reactor.runtime.calls import LONGEST_AGENT, Call, Origin
from reactor.runtime.functions import Kind
from reactor.runtime.identity import Identity
from reactor.runtime.mutations import Mutations
from reactor.runtime.query_run import RunResult
from reactor.runtime.runner import Runner
from reactor.values.timestamps import decode_ts, encode_ts

__all__ = ["FunctionApi", "Request"]

_encoder = msgspec.json.Encoder()
_T = TypeVar("_T")

_MOST_IN_A_BATCH = 1000


class _Body(Struct):
    path: str
    args: Raw = Raw(b"{}")
    format: str | None = None
    ts: str | None = None
    componentPath: str | None = None  # noqa: N815 - names on the wire


class _RunBody(Struct):
    args: Raw = Raw(b"{}")
    format: str | None = None


class _Batch(Struct):
    queries: list[_Body]


class _Asked(Struct):
    """A call that may be made, and the format of its answer. Whatever is wrong with the request is known by now."""

    call: Call
    format: str


_body_decoder = msgspec.json.Decoder(_Body)
_run_decoder = msgspec.json.Decoder(_RunBody)
_batch_decoder = msgspec.json.Decoder(_Batch)


class Request(Struct):
    """What an endpoint needs of a request."""

    headers: dict[bytes, bytes]
    body: bytes
    query: bytes = b""
    rest: str = ""
    client: str | None = None


class FunctionApi:
    """The endpoints; each takes a request and gives an answer, or raises HttpError."""

    def __init__(
        self,
        database: Database,
        runner: Runner,
        queries: Queries,
        mutations: Mutations,
        actions: Actions,
        admin: AdminKey,
        verify: Verify,
    ) -> None:
        self._database, self._runner = database, runner
        self._queries, self._mutations, self._actions = queries, mutations, actions
        self._admin, self._verify = admin, verify

    async def query(self, request: Request) -> Answer:
        """POST /api/query: run a query on the newest state."""
        asked = await self._asked(_decode(_body_decoder, request), request)
        return _answer(await self._queries.answer(asked.call), asked.format)

    async def query_by_get(self, request: Request) -> Answer:
        """GET /api/query?path=&args=&format=: the same."""
        fields = {key: values[-1] for key, values in parse_qs(request.query.decode("latin-1")).items()}
        if "path" not in fields:
            raise HttpError(400, "BadQueryArgs", "The query string needs `path`, and `args` as JSON.")
        args = _json(fields.get("args", "{}"))
        asked = await self._asked(_Body(fields["path"], args, fields.get("format")), request)
        return _answer(await self._queries.answer(asked.call), asked.format)

    async def mutation(self, request: Request) -> Answer:
        """POST /api/mutation: run a mutation; it is durable when the answer comes."""
        asked = await self._asked(_decode(_body_decoder, request), request)
        return _answer(await self._mutation(asked.call), asked.format)

    async def action(self, request: Request) -> Answer:
        """POST /api/action: run an action."""
        asked = await self._asked(_decode(_body_decoder, request), request)
        return _answer(await self._actions.run(asked.call), asked.format)

    async def function(self, request: Request) -> Answer:
        """POST /api/function: run any function; with the admin key only."""
        identity = await self._identity(request)
        if not identity.is_admin:
            raise HttpError(403, "BadDeployKey", "This endpoint needs the deployment's admin key.")
        return await self.function_as(identity, request)

    async def function_as(self, identity: Identity, request: Request) -> Answer:
        """Run any function for somebody who is known already."""
        body = _decode(_body_decoder, request)
        asked = await self._asked(body, request, identity)
        if body.componentPath:
            # There are no components here, so there is nothing in one.
            return _answer(self._runner.missing(asked.call), asked.format)
        return _answer(await self._any(asked.call), asked.format)

    async def run(self, request: Request) -> Answer:
        """POST /api/run/a/b/function: run any function that the caller may call."""
        segments = [segment for segment in request.rest.split("/") if segment]
        if len(segments) < 2:
            raise HttpError(400, "MissingIdentifier", "The path needs a module and a function: /api/run/module/name.")
        given = _decode(_run_decoder, request)
        path = "/".join(segments[:-1]) + ":" + segments[-1]
        asked = await self._asked(_Body(path, given.args, given.format or "json"), request)
        return _answer(await self._any(asked.call), asked.format)

    async def query_ts(self, request: Request) -> Answer:
        """POST /api/query_ts: the newest timestamp, for query_at_ts."""
        return Answer(b'{"ts":"%b"}' % encode_ts(self._database.committer.visible))

    async def query_at_ts(self, request: Request) -> Answer:
        """POST /api/query_at_ts: run a query on the state of a moment."""
        body = _decode(_body_decoder, request)
        asked = await self._asked(body, request)
        if body.ts is None:
            raise HttpError(400, "BadJsonBody", "The body needs `ts`, as /api/query_ts gives it.")
        try:
            ts = decode_ts(body.ts)
        except ValueError:
            raise HttpError(400, "BadJsonBody", "`ts` is not a timestamp: 8 bytes in base64.") from None
        if not await self._database.committer.reach(ts):
            raise HttpError(400, "BadTimestamp", "`ts` lies in the future of this deployment.")
        return _answer(await self._query_at(asked.call, ts), asked.format)

    async def query_batch(self, request: Request) -> Answer:
        """POST /api/query_batch: several queries on one state."""
        identity = await self._identity(request)
        queries = _decode(_batch_decoder, request).queries
        if len(queries) > _MOST_IN_A_BATCH:
            text = f"A batch has at most {_MOST_IN_A_BATCH} queries, this one {len(queries)}. Make several of it."
            raise HttpError(400, "TooManyQueries", text)
        batch = [await self._asked(body, request, identity) for body in queries]
        while True:
            schema = self._database.catalog.schema
            answers = await self._answers(batch)
            # A query that waits may find new code behind it, which would not know the indexes of the old state.
            if self._database.catalog.schema is schema:
                return Answer(b'{"results":[%b]}' % b",".join(answers))

    # Inside

    async def _answers(self, batch: list[_Asked]) -> list[bytes]:
        """The answers of queries on the newest state."""
        answers: list[bytes] = []
        snapshot = self._database.store.acquire()
        try:
            for asked in batch:
                result = await self._queries.answer_at(asked.call, snapshot)
                answers.append(_answer(result, asked.format).body)
                await asyncio.sleep(0)  # others are served between two of them
        finally:
            snapshot.release()
        return answers

    async def _identity(self, request: Request) -> Identity:
        return await caller(request.headers.get(b"authorization"), self._admin, self._verify)

    async def _asked(self, body: _Body, request: Request, identity: Identity | None = None) -> _Asked:
        """`identity` None: of the request's header. Raises HttpError for whatever makes the call impossible."""
        if identity is None:
            identity = await self._identity(request)
        # Before anything runs: a mutation must not be made and then answered with an error.
        format = answer_format(body.format, request.headers.get(b"convex-client"))
        try:
            self._runner.registry.find(body.path)
        except DeveloperError as error:
            raise HttpError(400, error.code or "BadConvexFunctionIdentifier", str(error)) from None
        request_id = sender_request_id(request.headers)
        return _Asked(
            Call(body.path, bytes(body.args), identity, request_id=request_id, origin=_origin(request)), format
        )

    async def _query_at(self, call: Call, ts: int) -> RunResult:
        snapshot = self._database.store.acquire()
        try:
            if ts == snapshot.ts:
                return await self._queries.answer_at(call, snapshot)
            tx = await self._database.read_past(snapshot, ts)
            return await self._runner.let_in(call, Kind.QUERY, lambda: self._query_in(call, tx))
        except DeveloperError as error:
            raise HttpError(503, error.code or "OutOfRetention", str(error)) from None
        finally:
            snapshot.release()

    async def _query_in(self, call: Call, tx: Transaction) -> RunResult:
        return (await self._runner.query(call, tx)).result

    async def _mutation(self, call: Call) -> RunResult:
        answered: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()

        def answer(result: RunResult) -> None:
            if not answered.done():  # the caller may have gone
                answered.set_result(result)

        self._mutations.submit(call, answer)
        return await answered

    async def _any(self, call: Call) -> RunResult:
        function = self._runner.served(call.path)
        if function is None or (function.internal and not call.identity.is_admin):
            return self._runner.missing(call)
        if function.kind is Kind.QUERY:
            return await self._queries.answer(call)
        if function.kind is Kind.MUTATION:
            return await self._mutation(call)
        return await self._actions.run(call)


def _decode(decoder: msgspec.json.Decoder[_T], request: Request) -> _T:
    content_type = request.headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if content_type != b"application/json" and not content_type.endswith(b"+json"):
        raise HttpError(400, "BadJsonBody", "Expected request with `Content-Type: application/json`")
    try:
        if not request.body.isascii():
            request.body.decode()  # what stays raw is decoded later, and then it counts as the function's failure
        return decoder.decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HttpError(400, "BadJsonBody", f"The request's body is not what this endpoint takes: {error}") from None


def _json(text: str) -> Raw:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise HttpError(400, "BadQueryArgs", f"`args` is not JSON: {error}") from None
    return Raw(text.encode())


def _answer(result: RunResult, format: str) -> Answer:
    logs = b',"logLines":' + _encoder.encode(result.logs) if result.logs else b""
    failure = result.failure
    if failure is None:
        return Answer(b'{"status":"success","value":%b%b}' % (in_format(result.value, format), logs))
    data = b"" if failure.data is None else b',"errorData":' + in_format(failure.data, format)
    body = b'{"status":"error","errorMessage":%b%b%b}' % (_encoder.encode(failure.message), data, logs)
    # Official clients read the data of an error in an answer with status 200, and of one with 429 only its text.
    return Answer(body, headers=_when_again(failure.error))


def _when_again(error: BaseException) -> tuple[tuple[bytes, bytes], ...]:
    return retry_after(error.retry_after) if isinstance(error, CallRefused) else ()


def _origin(request: Request) -> Origin:
    agent = request.headers.get(b"user-agent")
    return Origin(request.client, None if agent is None else agent.decode("latin-1")[:LONGEST_AGENT])
