"""An address as a person may see it."""

from urllib.parse import parse_qs, urlsplit

__all__ = ["shown"]


def shown(url: str) -> str:
    """The URL of a database without what is secret in it."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2] or ",".join(parse_qs(parts.query).get("host", [])) or "localhost"
    user = parts.username
    return f"postgresql://{f'{user}@' if user else ''}{hosts.lstrip('/')}{parts.path}"
