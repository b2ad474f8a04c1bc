"""The routes of files: uploads, and what `get_url` gives the addresses of."""

from reactor.openapi.operations import NOBODY, Errors, answer, json_answer, operation, query_parameter
from reactor.openapi.value_schemas import Schema

__all__ = ["files"]

_TAG = "files"
_TOKEN = ("StorageTokenInvalid", "StorageTokenExpired")
_ANYTHING: Schema = {"*/*": {}}


def files() -> dict[str, dict[str, Schema]]:
    """Operations by path and method."""
    return {
        "/api/storage/upload": {"post": _upload()},
        "/api/storage/{file}": {"get": _show("showFile", bare=False), "head": _show("lookAtFile", bare=True)},
    }


def _upload() -> Schema:
    stored: Schema = {
        "type": "object",
        "properties": {"storageId": {"type": "string", "description": "The id of a document of `_storage`."}},
        "required": ["storageId"],
        "additionalProperties": False,
    }
    digest: Schema = {
        "name": "Digest",
        "in": "header",
        "required": False,
        "description": "`sha-256=`, then base64 of the file's 32 bytes of SHA-256: what comes is compared with it.",
        "schema": {"type": "string"},
    }
    errors: Errors = {
        400: ("BadQueryArgs", "BadHeader", "Sha256Mismatch"),
        401: _TOKEN,
        408: ("ClientDisconnected", "UploadTimeout"),
        413: ("FileTooLarge",),
        500: ("InternalServerError",),
        503: ("TooManyUploads",),
        507: ("StoreFull",),
    }
    return operation(
        "uploadFile",
        "Store the body as a file",
        tag=_TAG,
        description="A function gives the address, token included, by `generate_upload_url`. "
        "The content type is kept as it is sent.",
        parameters=[
            query_parameter("token", {"type": "string"}, "Stands in the address.", required=True),
            digest,
        ],
        body={"required": False, "content": {"application/octet-stream": {"schema": {}}}},
        answers={200: json_answer("The file is durable.", stored)},
        errors=errors,
        security=NOBODY,
    )


def _show(name: str, *, bare: bool) -> Schema:
    """GET, or HEAD: `bare`, without bodies, also those of errors."""
    errors: Errors = {
        400: ("InvalidStoragePath",),
        401: _TOKEN,
        404: ("FileNotFound",),
        405: ("MethodNotAllowed",),
        500: ("InternalServerError",),
        503: ("TooManyDownloads",),
    }
    shown = None if bare else _ANYTHING
    return operation(
        name,
        "What a file is, without its content" if bare else "A file, or a range of its bytes",
        tag=_TAG,
        parameters=[
            {
                "name": "file",
                "in": "path",
                "required": True,
                "description": "The last part of an address that `get_url` gave.",
                "schema": {"type": "string"},
            },
            query_parameter("token", {"type": "string"}, "Stands in addresses that expire."),
            _header("Range", "`bytes=0-99`, `bytes=100-` or `bytes=-100`."),
            _header("If-None-Match", "Entity tags of what the client has."),
            _header("If-Modified-Since", "When the client got what it has."),
            _header("If-Range", "The entity tag to which the range belongs."),
        ],
        answers={
            200: answer("The whole file.", shown, _headers("ETag", "Digest", "Cache-Control")),
            206: answer("The range.", shown, _headers("ETag", "Content-Range", "Cache-Control")),
            304: answer("The client has it already.", None, _headers("ETag", "Cache-Control")),
            416: answer("Several ranges, or one that begins behind the end.", None, _headers("Content-Range")),
            **({status: answer(_BARE[status]) for status in errors} if bare else {}),
        },
        errors=None if bare else errors,
        security=NOBODY,
    )


_BARE = {
    400: "No address of a file.",
    401: "A token that is none, or whose time is over.",
    404: "There is no such file, or not any more.",
    405: "The address of an upload, which takes POST requests.",
    500: "A fault of the server; its log has the cause.",
    503: "Too many downloads are under way; try again later.",
}


def _header(name: str, description: str) -> Schema:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _headers(*names: str) -> Schema:
    return {name: {"schema": {"type": "string"}} for name in names}
