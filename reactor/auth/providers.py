"""Auth providers: who may issue tokens for users of a deployment, as the application declares it.

    providers = [
        {"domain": "https://login.example", "applicationID": "chat"},
        {"type": "customJwt", "issuer": "own.example", "jwks": "https://own.example/keys", "algorithm": "ES256"},
    ]

Names and meanings are those of Convex's auth.config (get-convex/convex-backend, crates/common/src/auth.rs).
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import msgspec

from reactor.auth.addresses import data_of, url_fault
from reactor.auth.key_set import KeySet, parse_key_set
from reactor.errors import LoadError

__all__ = ["CustomJwtProvider", "OidcProvider", "Provider", "normal_issuer", "parse_providers"]

MOST_PROVIDERS = 100
LONGEST_TEXT = 512 * 1024
"""Characters of one field; key sets stand in them as `data:` URIs."""


class OidcProvider(msgspec.Struct, frozen=True):
    """An OpenID Connect issuer, whose keys are found by discovery.

    `issuer` has a scheme and no slash at its end. A token must be meant for `application_id` and for nobody else.
    """

    issuer: str
    application_id: str
    algorithms: tuple[str, ...] = ("RS256", "EdDSA")

    @property
    def source(self) -> tuple[str, str]:
        """What tells its keys from those of others."""
        return ("oidc", self.issuer)

    def __str__(self) -> str:
        return f"OIDC {self.issuer} (applicationID {self.application_id!r})"


class CustomJwtProvider(msgspec.Struct, frozen=True):
    """An issuer of JWTs with its own key set: at the URL `jwks`, or `inline`, then `jwks` is a `data:` URI.

    `application_id` None: the audience of tokens is not looked at.
    """

    issuer: str
    jwks: str
    algorithms: tuple[str, ...]
    application_id: str | None
    inline: KeySet | None = None

    @property
    def source(self) -> tuple[str, str]:
        """What tells its keys from those of others."""
        return ("jwks", self.jwks)

    def __str__(self) -> str:
        audience = "any audience" if self.application_id is None else f"applicationID {self.application_id!r}"
        return f"custom JWT {self.issuer} ({audience})"


Provider = OidcProvider | CustomJwtProvider

_SPELLINGS = {
    "applicationID": "application_id",
    "applicationId": "application_id",
}
_TYPES: dict[object, Literal["oidc", "customJwt"]] = {
    None: "oidc",
    "oidc": "oidc",
    "customJwt": "customJwt",
    "customJWT": "customJwt",
    "custom_jwt": "customJwt",
}
_FIELDS = {
    "oidc": ("type", "domain", "application_id"),
    "customJwt": ("type", "issuer", "jwks", "algorithm", "application_id"),
}
_ALGORITHMS = ("RS256", "ES256")


def normal_issuer(text: str) -> str:
    """An issuer as issuers are compared: `https://` if it has no scheme, and no slash at the end."""
    return (text if "://" in text else f"https://{text}").rstrip("/")


def parse_providers(raw: object, where: str) -> tuple[Provider, ...]:
    """The providers that a list of dicts declares. `where` begins the text of errors.

    Raises LoadError naming the entry, the field, what it has and what it may have.
    """
    if not isinstance(raw, list | tuple):
        raise LoadError(f"{where} must be a list of providers, not {type(raw).__name__}: {_EXAMPLE}")
    entries = cast("Sequence[object]", raw)
    if len(entries) > MOST_PROVIDERS:
        raise LoadError(f"{where} has {len(entries)} providers; at most {MOST_PROVIDERS} are allowed.")
    return tuple(_Entry(entry, f"{where}[{number}]").provider() for number, entry in enumerate(entries))


_EXAMPLE = '[{"domain": "https://login.example", "applicationID": "my-app"}]'


class _Entry:
    """One declared provider, being read."""

    def __init__(self, raw: object, where: str) -> None:
        self.where = where
        if not isinstance(raw, Mapping):
            raise self.fault(f"is a {type(raw).__name__}; a provider is a dict, as in {_EXAMPLE}")
        given = cast("Mapping[Any, Any]", raw)
        self.fields = {_SPELLINGS.get(name, name): value for name, value in given.items()}
        declared = self.fields.get("type")
        kind = _TYPES.get(declared) if isinstance(declared, str | None) else None
        if kind is None:
            raise self.fault(f'has the type {declared!r:.80}; write "customJwt", or leave it out for OpenID Connect')
        self.kind: Literal["oidc", "customJwt"] = kind
        for name in self.fields:
            if name not in _FIELDS[kind]:
                raise self.unknown(name)

    def fault(self, text: str) -> LoadError:
        return LoadError(f"{self.where} {text}.")

    def unknown(self, name: object) -> LoadError:
        allowed = _FIELDS[self.kind]
        if self.kind == "oidc" and name in _FIELDS["customJwt"]:
            return self.fault(f'has the field {name!r} of a custom JWT provider; add "type": "customJwt"')
        near = difflib.get_close_matches(str(name), allowed, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(allowed)}"
        return self.fault(f"has a field {name!r:.80} that is unknown; {meant}")

    def text(self, name: str, example: str) -> str:
        value = self.fields.get(name)
        if value is None:
            raise self.fault(f"lacks {name!r}; write for example {name!r}: {example!r}")
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"has the {name} {value!r:.80}; it is text that is not empty, such as {example!r}")
        if len(value) > LONGEST_TEXT:
            raise self.fault(f"has a {name} of {len(value)} characters; at most {LONGEST_TEXT} are allowed")
        return value.strip()

    def provider(self) -> Provider:
        return self.oidc() if self.kind == "oidc" else self.custom_jwt()

    def oidc(self) -> OidcProvider:
        domain = normal_issuer(self.text("domain", "https://login.example"))
        self.check_url("domain", domain)
        if urlsplit(domain).query:
            raise self.fault(f"has the domain {domain!r:.200}; an issuer has no query, leave out what follows the `?`")
        return OidcProvider(domain, self.text("application_id", "my-app"))

    def custom_jwt(self) -> CustomJwtProvider:
        issuer = normal_issuer(self.text("issuer", "https://example.org"))
        jwks = self.text("jwks", "https://example.org/.well-known/jwks.json")
        algorithm = self.text("algorithm", "ES256")
        if algorithm not in _ALGORITHMS:
            raise self.fault(f"has the algorithm {algorithm!r:.80}; it is one of {', '.join(_ALGORITHMS)}")
        application = None
        if self.fields.get("application_id") is not None:
            application = self.text("application_id", "my-app")
        inline = self.inline_keys(jwks, algorithm)
        if inline is None:
            self.check_url("jwks", jwks)
        return CustomJwtProvider(issuer, jwks, (algorithm,), application, inline)

    def check_url(self, name: str, url: str) -> None:
        fault = url_fault(url)
        if fault is not None:
            raise self.fault(f"has the {name} {url!r:.200}; {fault}")

    def inline_keys(self, uri: str, algorithm: str) -> KeySet | None:
        if uri[:5].lower() != "data:":
            return None
        try:
            keys = parse_key_set(data_of(uri))
        except ValueError as error:
            raise self.fault(f"has a `data:` URI as jwks that is no key set: {error}") from None
        if not keys.suiting((algorithm,)):
            raise self.fault(f"has a `data:` URI as jwks with no key for {algorithm}; {keys.describe()}")
        return keys
