"""The application's own page: a folder that a tool such as Vite has built, served at `/`."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

__all__ = ["WebPage"]

_HEADERS = {
    # Only what comes from here runs; styles in attributes are what React and chart libraries write.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_FOREVER = "public, max-age=31536000, immutable"
_ASK = "no-cache"


class WebPage:
    """Files of `folder`; paths that are no file and look like those of pages get index.html, whose script knows them.

    The folder is looked at with each request, so a page that is built anew is served at once.
    """

    def __init__(self, folder: Path) -> None:
        self._index = folder / "index.html"
        # Refuses what leads out of the folder, links included.
        self._files = StaticFiles(directory=folder, check_dir=False)

    @property
    def exists(self) -> bool:
        """Whether it has been built."""
        return self._index.is_file()

    async def serve(self, request: Request) -> Response:
        """A file, or the page. Raises HTTPException 404 for what is neither."""
        path: str = request.scope["path"].lstrip("/")  # its url begins with what the client says that our name is
        if request.method not in ("GET", "HEAD") or path.startswith("api/"):
            raise HTTPException(404)
        if path and path != "index.html":
            response = await self._file(path, request)
            if response is not None:
                return response
            if "." in path.rsplit("/", 1)[-1] or "text/html" not in request.headers.get("accept", ""):
                raise HTTPException(404)
        if not self.exists:
            raise HTTPException(404)
        return FileResponse(self._index, headers={**_HEADERS, "Cache-Control": _ASK})

    async def _file(self, path: str, request: Request) -> Response | None:
        try:
            response = await self._files.get_response(path, request.scope)
        except HTTPException:
            return None
        # The name of a built file says what is in it: with other content it has another name.
        response.headers["Cache-Control"] = _FOREVER if path.startswith("assets/") else _ASK
        response.headers.update(_HEADERS)
        return response
