"""Where keys may come from: https, this machine, or a `data:` URI."""

import base64
import binascii
import ipaddress
from urllib.parse import unquote_to_bytes, urlsplit

__all__ = ["data_of", "is_loopback", "url_fault"]


def url_fault(url: str) -> str | None:
    """Why keys must not be fetched from `url`, with the remedy; None when they may."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it cannot be read as a URL"
    if not host or any(character.isspace() or ord(character) < 32 for character in url):
        return "it is no URL with a host, like https://login.example"
    if parts.username is not None or parts.password is not None:
        return "leave out the name and password"
    if parts.fragment:
        return "leave out what follows the `#`"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)):
        return None
    return "use https: only addresses of this machine (localhost, 127.0.0.1, [::1]) may go without"


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def data_of(uri: str) -> bytes:
    """The content of a `data:` URI. Raises ValueError when it has none."""
    head, comma, content = uri[5:].partition(",")
    if not comma:
        raise ValueError("it has no comma before its content")
    raw = unquote_to_bytes(content)
    if not head.lower().replace(" ", "").endswith(";base64"):
        return raw
    try:
        # Both alphabets are met in the wild, and the filling at the end is often lost.
        text = raw.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"it is not base64 ({error})") from None
