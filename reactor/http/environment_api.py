"""Environment variables over HTTP, for official command lines and consoles: with the admin key only.

(get-convex/convex-backend, crates/local_backend/src/environment_variables.rs)
"""

import msgspec

from reactor.database.database import Database
from reactor.database.environment import change, variables
from reactor.database.transact import transact
from reactor.errors import DeveloperError
from reactor.http.authorization import AdminKey, identify
from reactor.http.exchange import Answer, HttpError
from reactor.http.function_api import Request

__all__ = ["EnvironmentApi"]

SOURCE = "_system/environment"


class _Change(msgspec.Struct):
    name: str
    value: str | None = None


class _Changes(msgspec.Struct):
    changes: list[_Change]


_decode = msgspec.json.Decoder(_Changes).decode


class EnvironmentApi:
    """`POST /api/update_environment_variables` and `GET /api/list_environment_variables`."""

    def __init__(self, database: Database, admin: AdminKey) -> None:
        self._database, self._admin = database, admin

    async def update(self, request: Request) -> Answer:
        """Set and remove variables, all of them or none. Raises HttpError."""
        self._check(request)
        try:
            asked = _decode(request.body).changes
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            text = f'The body is {{"changes": [{{"name": …, "value": … or null}}]}}: {error}.'
            raise HttpError(400, "BadJsonBody", text) from None
        changes = {each.name: each.value for each in asked}
        if len(changes) < len(asked):
            raise HttpError(400, "EnvVarNameNotUnique", "A variable is named twice: name it once.")
        try:
            await transact(self._database.committer, SOURCE, lambda tx: change(tx, changes))
        except DeveloperError as error:
            raise HttpError(400, error.code or "BadJsonBody", str(error)) from None
        return Answer(b"")

    async def list(self, request: Request) -> Answer:
        """All variables with their values. Raises HttpError."""
        self._check(request)
        snapshot = self._database.store.acquire()
        try:
            found = variables(self._database.read(snapshot))
        finally:
            snapshot.release()
        return Answer(msgspec.json.encode({"environmentVariables": found}))

    def _check(self, request: Request) -> None:
        if not identify(request.headers.get(b"authorization"), self._admin).is_admin:
            raise HttpError(403, "BadDeployKey", "This endpoint needs the deployment's admin key.")
