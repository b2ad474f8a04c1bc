"""The description of a deployment: served by it, and written for those who have its code."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from reactor.app.parts import Parts
from reactor.http.authorization import identify
from reactor.http.exchange import HttpError
from reactor.openapi.document import describe, written
from reactor.runtime.loader import load
from reactor.settings import Settings

__all__ = ["Described", "openapi"]

_SWITCH = {"false": False, "true": True}


class Described:
    """`GET /_reactor/openapi.json`. Each version of the code is described once for each way of asking."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._version = 0
        self._known: dict[tuple[bool, str], bytes] = {}

    async def serve(self, request: Request) -> Response:
        """Public functions for everybody; all of them, and docstrings, for the admin. Raises HttpError."""
        internal = _SWITCH.get(request.query_params.get("internal", "false"))
        if internal is None:
            raise HttpError(400, "BadQueryArgs", "`internal` is `true` or `false`.")
        header = request.headers.get("authorization")
        identity = identify(None if header is None else header.encode("latin-1"), self._parts.admin)
        if internal and not identity.is_admin:
            raise HttpError(403, "BadDeployKey", "Internal functions are shown to the deployment's admin key only.")
        # The same address may show other things to others: nobody in between may keep it.
        headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
        return Response(self._text(internal), media_type="application/json", headers=headers)

    def _text(self, internal: bool) -> bytes:
        application, address = self._parts.application, self._parts.runner.origins.cloud
        if self._version != application.version.number:
            self._version, self._known = application.version.number, {}
        known = self._known.get((internal, address))
        if known is None:
            settings = self._parts.settings
            texts = internal or not settings.production
            described = describe(application.registry, settings, internal=internal, texts=texts, address=address)
            known = self._known[internal, address] = written(described)
        return known


def openapi(settings: Settings, directory: Path, *, internal: bool, address: str | None) -> bytes:
    """The description of the application in a folder, as a file has it; docstrings included. Raises LoadError."""
    registry = load(directory).registry
    return written(describe(registry, settings, internal=internal, texts=True, address=address))
