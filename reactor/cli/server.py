"""A running server, seen from outside: where it is, and one function called over HTTP."""

import os
import urllib.error
import urllib.request
from email.message import Message
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from reactor.cli.answers import Answer, read_answer
from reactor.errors import ReactorError, SettingsError
from reactor.settings import Secret, Settings
from reactor.version import VERSION

__all__ = ["Server", "ServerError", "is_local", "named_server", "running_server"]

_LONGEST_ANSWER = 3600.0  # seconds; actions take up to half an hour by default, and settings may allow more


class ServerError(ReactorError):
    """A server that does not answer, or not as one of ours does."""


class _Address(msgspec.Struct):
    """DATA/server.json, which a server writes when it is ready and removes when it stops."""

    url: str
    pid: int


class _Refusal(msgspec.Struct):
    code: str
    message: str


class _Identifier(msgspec.Struct):
    identifier: str = ""


class Server:
    """A server at `url` (without a slash at the end), and the key that lets us call all its functions."""

    def __init__(self, url: str, admin_key: Secret) -> None:
        self.url = url
        self.admin_key = admin_key

    def call(self, path: str, args_json: str) -> Answer:
        """Run a function of any kind once. Raises ServerError when no answer of a function comes back."""
        body = {"path": path, "args": msgspec.Raw(args_json.encode()), "format": "convex_encoded_json"}
        return read_answer(self._post("/api/function", body))

    def functions(self) -> list[str]:
        """The paths of all functions, sorted; empty when this server does not tell."""
        body: dict[str, Any] = {"path": "_system/cli/modules:apiSpec", "args": {}, "format": "convex_encoded_json"}
        answer = read_answer(self._post("/api/query", body))
        if not answer.succeeded:
            return []
        specs = msgspec.json.decode(bytes(answer.value), type=list[_Identifier])
        return sorted(spec.identifier.replace(".js:", ":") for spec in specs if spec.identifier)

    def _post(self, route: str, body: dict[str, Any]) -> bytes:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Convex {self.admin_key.reveal()}",
            "Convex-Client": f"reactor-{VERSION}",
        }
        request = urllib.request.Request(self.url + route, msgspec.json.encode(body), headers, method="POST")  # noqa: S310 - http(s) only, see named_server
        try:
            with _opener(self.url).open(request, timeout=_LONGEST_ANSWER) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise self._refused(error.code, error.read()) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ServerError(
                f"No answer from {self.url} ({reason}). Start the server with `reactor dev`, or check --url."
            ) from None

    def _refused(self, status: int, body: bytes) -> ServerError:
        try:
            text = msgspec.json.decode(body, type=_Refusal).message
        except (msgspec.DecodeError, UnicodeDecodeError):
            text = body[:200].decode("utf-8", "replace").strip()
        remedy = "Check that --url is the address of a Reactor server."
        if status in (401, 403):
            remedy = (
                "Give the right key by --admin-key or REACTOR_ADMIN_KEY; it stands in DATA/admin_key of the server."
            )
        return ServerError(f"{self.url} refused the call with status {status}: {text}\n{remedy}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # A redirect would carry the admin key to wherever it points.
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def _opener(url: str) -> urllib.request.OpenerDirector:
    # A proxy for the outside world cannot reach this machine's own addresses.
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if is_local(url):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def is_local(url: str) -> bool:
    """Whether `url` is on this machine's loopback."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def named_server(url: str, settings: Settings) -> Server:
    """The server that `--url` names. Raises SettingsError for an address or a key that cannot be.

    The key in a local data folder is used only for the server of that folder: it is nobody else's business.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{url!r} is no address of a server. Write it like http://127.0.0.1:3210")
    url = url.rstrip("/")
    if settings.admin_key is not None:
        return Server(url, settings.admin_key)
    local = running_server(settings)
    if local is not None and _same_address(local.url, url):
        return Server(url, local.admin_key)
    raise SettingsError(
        f"No admin key for {url}. Give it by --admin-key or REACTOR_ADMIN_KEY; "
        "it stands in DATA/admin_key of the server."
    )


def running_server(settings: Settings) -> Server | None:
    """The server that holds the data folder, or None when there is none."""
    address = _read_address(settings.data / "server.json")
    if address is None or not _alive(address.pid):
        return None
    return Server(address.url.rstrip("/"), settings.admin_key or _stored_key(settings.data / "admin_key"))


def _read_address(path: Path) -> _Address | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Address)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ServerError(
            f"{path} should tell where the server of this data folder is, and cannot be read: {error}. "
            "Name the server by --url, or remove the file if no server runs."
        ) from None


def _stored_key(path: Path) -> Secret:
    try:
        return Secret(path.read_text().strip())
    except OSError as error:
        raise ServerError(
            f"The admin key cannot be read from {path}: {error.strerror}. "
            "Run this as the user who runs the server, or give the key by REACTOR_ADMIN_KEY."
        ) from None


def _alive(pid: int) -> bool:
    # A server that was killed leaves its address behind. Only POSIX can ask without disturbing the process.
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _same_address(one: str, other: str) -> bool:
    a, b = urlsplit(one), urlsplit(other)
    return (a.scheme, a.port) == (b.scheme, b.port) and (
        a.hostname == b.hostname or (is_local(one) and is_local(other))
    )
