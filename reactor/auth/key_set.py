"""A set of public keys, as issuers publish it (RFC 7517), reduced to the keys that may verify a token here.

A key belongs to one algorithm, told by its own type: what a token says of itself never chooses how a key is used.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import jwt
import msgspec

__all__ = ["KeySet", "parse_key_set"]

MOST_KEYS = 100
LEAST_RSA_BITS = 2048
"""RFC 7518 §3.3."""

_ALGORITHMS = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_OTHER_NAMES = {"Ed25519": "EdDSA"}  # RFC 9864
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")


class _Key(NamedTuple):
    kid: str | None
    algorithm: str
    key: jwt.PyJWK


class KeySet:
    """Keys by id and algorithm. `unusable` says of the others why they are left out."""

    __slots__ = ("_keys", "unusable")

    def __init__(self, keys: Iterable[_Key], unusable: Iterable[str] = ()) -> None:
        self._keys, self.unusable = tuple(keys), tuple(unusable)

    def find(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """The keys that may have signed a token with this key id and algorithm.

        Without an id that is the only key of the algorithm; of several none, since that would be guessing.
        """
        suiting = self.suiting((algorithm,))
        if kid is None:
            return [suiting[0].key] if len(suiting) == 1 else []
        return [key.key for key in suiting if key.kid == kid]

    def suiting(self, algorithms: tuple[str, ...]) -> list[_Key]:
        """The keys of some algorithms."""
        return [key for key in self._keys if key.algorithm in algorithms]

    def describe(self) -> str:
        """Which keys there are, for error texts."""
        known = [f"{key.kid!r:.60} ({key.algorithm})" for key in self._keys[:10]]
        more = f" and {len(self._keys) - 10} more" if len(self._keys) > 10 else ""
        left_out = f"; not usable: {'; '.join(self.unusable[:3])}" if self.unusable else ""
        return f"the key set has {', '.join(known) or 'no usable key'}{more}{left_out}"


def parse_key_set(raw: bytes) -> KeySet:
    """The usable keys of a JWKS document. Raises ValueError when it is none, or has more than MOST_KEYS keys."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error})") from None
    entries = cast("dict[str, Any]", document).get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError('it is no key set: that is an object {"keys": [...]}')
    if len(cast("list[Any]", entries)) > MOST_KEYS:
        raise ValueError(f"it has more than {MOST_KEYS} keys")
    keys: list[_Key] = []
    unusable: list[str] = []
    for number, entry in enumerate(cast("list[Any]", entries)):
        try:
            keys.append(_key(entry))
        except ValueError as error:
            unusable.append(f"key {number}: {error}")
    return KeySet(keys, unusable)


def _key(entry: Any) -> _Key:
    if not isinstance(entry, dict):
        raise ValueError("no object")
    jwk = cast("dict[str, Any]", entry)
    algorithm = _algorithm(jwk)
    kid = jwk.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise ValueError("its kid is no text")
    try:
        # Only the public members: nothing that should not have been published is kept.
        key = jwt.PyJWK({name: jwk[name] for name in _PUBLIC if name in jwk}, algorithm)
    except Exception as error:  # many kinds, from three libraries
        raise ValueError(f"it cannot be read ({type(error).__name__}: {error!s:.100})") from None
    if algorithm == "RS256" and key.key.key_size < LEAST_RSA_BITS:
        raise ValueError(f"an RSA key of {key.key.key_size} bits; at least {LEAST_RSA_BITS} are needed")
    return _Key(kid, algorithm, key)


def _algorithm(jwk: dict[str, Any]) -> str:
    kind, curve = jwk.get("kty"), jwk.get("crv")
    found = _ALGORITHMS.get((str(kind), "" if kind == "RSA" else str(curve)))
    if found is None:
        raise ValueError(f"kty {kind!r:.40} with crv {curve!r:.40} is not supported")
    declared = jwk.get("alg")
    if declared is not None and _OTHER_NAMES.get(str(declared), declared) != found:
        raise ValueError(f"alg {declared!r:.40}; only {found} is supported for its kind")
    if jwk.get("use", "sig") != "sig":
        raise ValueError(f"its use is {jwk['use']!r:.40}, not signatures")
    operations = jwk.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise ValueError(f"its key_ops are {operations!r:.60}, without verify")
    return found
