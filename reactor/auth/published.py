"""What a provider publishes, as its declaration says where: its keys, and for OpenID Connect its exact name."""

from typing import Any, NamedTuple, cast

import msgspec

from reactor.auth.addresses import is_loopback
from reactor.auth.fetching import DISCOVERY, KEY_SET, FetchFailed, fetch
from reactor.auth.key_set import KeySet, parse_key_set
from reactor.auth.providers import OidcProvider, Provider, normal_issuer

__all__ = ["Published", "published"]


class Published(NamedTuple):
    """Keys, and the issuer as discovery spells it; None where there is no discovery."""

    keys: KeySet
    issuer: str | None = None


async def published(provider: Provider, *, seconds: float) -> Published:
    """Fetch what a provider publishes, each document within `seconds`. Raises FetchFailed."""
    if isinstance(provider, OidcProvider):
        return await _discovered(provider, seconds)
    if provider.inline is not None:
        return Published(provider.inline)
    return Published(await _key_set(provider.jwks, seconds))


async def _discovered(provider: OidcProvider, seconds: float) -> Published:
    """OpenID Connect Discovery 1.0 §4."""
    url = f"{provider.issuer}/.well-known/openid-configuration"
    metadata = _object(url, await fetch(url, DISCOVERY, seconds=seconds))
    issuer, keys_at = metadata.get("issuer"), metadata.get("jwks_uri")
    if not isinstance(issuer, str) or normal_issuer(issuer) != provider.issuer:
        text = f"{url} is about the issuer {issuer!r:.200}, not {provider.issuer!r:.200}: correct the domain"
        raise FetchFailed(text, lasting=True)
    if not isinstance(keys_at, str):
        raise FetchFailed(f"{url} names no jwks_uri", lasting=True)
    if is_loopback(keys_at) and not is_loopback(url):
        # Otherwise an issuer could have this server ask its own machine.
        raise FetchFailed(f"{url} sends to {keys_at!r:.200} on this machine, which is not followed", lasting=True)
    return Published(await _key_set(keys_at, seconds), issuer)


async def _key_set(url: str, seconds: float) -> KeySet:
    raw = await fetch(url, KEY_SET, seconds=seconds)
    try:
        return parse_key_set(raw)
    except ValueError as error:
        raise FetchFailed(f"{url} answered with no key set: {error}", lasting=True) from None


def _object(url: str, raw: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FetchFailed(f"{url} answered with no JSON: {error!s:.200}", lasting=True) from None
    if not isinstance(document, dict):
        raise FetchFailed(f"{url} answered with JSON that is no object", lasting=True)
    return cast("dict[str, Any]", document)
