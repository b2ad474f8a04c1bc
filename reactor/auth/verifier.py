"""Who a user's token says that the user is, if it can be believed.

    provider    the first whose issuer and audience the token has
    key         of that provider, by the token's key id, for the provider's algorithm
    signature   by that key
    claims      user, times, and what the kind of provider demands

Rules follow the official server (get-convex/convex-backend, crates/authentication/src/lib.rs). Nothing that stands in a
token chooses where keys come from or how they are used.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from reactor.auth.attributes import custom_attributes, oidc_attributes
from reactor.auth.claims import claim_fault, expiry
from reactor.auth.fetching import FetchFailed
from reactor.auth.key_source import KeySource
from reactor.auth.options import AuthOptions
from reactor.auth.providers import CustomJwtProvider, OidcProvider, Provider, normal_issuer
from reactor.auth.published import published
from reactor.auth.token import Token, shown
from reactor.errors import KeysUnavailable, TokenRefused
from reactor.runtime.identity import Identity

__all__ = ["Verifier"]

_log = logging.getLogger("reactor.auth")

_NO_PROVIDER = "No auth provider found matching the given token"
_SUMMARIES = {OidcProvider: "Could not verify OIDC token claim", CustomJwtProvider: "Could not verify token claim"}


class Verifier:
    """Checks tokens against providers, which `adopt` exchanges. `clock` gives nanoseconds since 1970.

    `redact`: what is raised says no more than production clients may know. The log always has everything but the token.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        options: AuthOptions,
        *,
        redact: bool,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._options, self._redact, self._clock = options, redact, clock
        self._providers: tuple[Provider, ...] = ()
        self._sources: dict[tuple[str, str], KeySource] = {}
        self.adopt(providers)

    def adopt(self, providers: Sequence[Provider], fault: str = "") -> None:
        """Take these providers from now on; keys of those that stay are kept. `fault`: why there are none."""
        self._fault = fault
        before = self._sources
        self._sources = {each.source: before.get(each.source) or self._source(each) for each in providers}
        self._providers = tuple(providers)
        for name, source in before.items():
            if name not in self._sources:
                source.close()

    def close(self) -> None:
        """Fetch no more keys."""
        self.adopt(())

    async def verify(self, token: str) -> Identity:
        """The user whom a token names. Waits only when keys have to be fetched.

        Raises TokenRefused with the check that failed, KeysUnavailable when the provider cannot be reached.
        """
        try:
            return await self._verify(token)
        except TokenRefused as refused:
            _log.info("A user's token was refused. %s", refused)
            raise (refused.redacted() if self._redact else refused) from None

    async def _verify(self, text: str) -> Identity:
        if not self._providers:
            text = self._fault or "this deployment has none; declare them in functions/auth_config.py"
            raise TokenRefused(_NO_PROVIDER, text, code="NoAuthProvider")
        token = Token(text)
        provider = self._choose(token)
        summary = _SUMMARIES[type(provider)]
        fault = _form_fault(provider, token)
        if fault is not None:
            raise TokenRefused(summary, fault)
        await self._check_signature(provider, token)
        leeway = self._options.auth_leeway_seconds
        fault = claim_fault(token.claims, now=self._clock() / 1e9, leeway=leeway)
        if fault is not None:
            raise TokenRefused(summary, fault)
        attributes = oidc_attributes if isinstance(provider, OidcProvider) else custom_attributes
        return Identity(attributes(token.claims), expires=expiry(token.claims) + leeway)

    def _choose(self, token: Token) -> Provider:
        issuer = token.claims.get("iss")
        if not isinstance(issuer, str) or not issuer:
            text = f"it is {shown(issuer)}, and must be the text by which a provider is known"
            raise TokenRefused("Missing issuer claim ('iss')", text)
        wanted, audiences = normal_issuer(issuer), token.audiences
        of_issuer = [provider for provider in self._providers if provider.issuer == wanted]
        for provider in of_issuer:
            if provider.application_id is None or provider.application_id in audiences:
                return provider
        raise TokenRefused(_NO_PROVIDER, self._mismatch(token, of_issuer), code="NoAuthProvider")

    def _mismatch(self, token: Token, of_issuer: list[Provider]) -> str:
        said = f"it has iss {shown(token.claims.get('iss'))} and aud {shown(token.claims.get('aud'))}"
        wrong = "no provider of this issuer has this audience" if of_issuer else "no provider has this issuer"
        return f"{said}; {wrong}. Configured are: {', '.join(map(str, self._providers))}"

    async def _check_signature(self, provider: Provider, token: Token) -> None:
        summary, algorithm = _SUMMARIES[type(provider)], str(token.algorithm)
        kid, source = token.header.get("kid"), self._sources[provider.source]
        try:
            keys = await source.find(kid, algorithm)
            known = await source.published()
        except FetchFailed as failure:
            self._cannot_know(failure)
        if known.issuer is not None and known.issuer != token.claims["iss"]:
            text = f"iss is {shown(token.claims['iss'])}, and the provider calls itself {shown(known.issuer)}"
            raise TokenRefused(summary, text)
        if not keys:
            raise TokenRefused(summary, f"no key has kid {shown(kid)} for {algorithm}; {known.keys.describe()}")
        if not any(token.is_signed_by(key, algorithm) for key in keys):
            raise TokenRefused(summary, f"the signature is not that of the key with kid {shown(kid)}")

    def _cannot_know(self, failure: FetchFailed) -> NoReturn:
        summary = "Auth provider discovery failed"
        if failure.lasting:
            raise TokenRefused(summary, str(failure), code="AuthProviderDiscoveryFailed") from None
        detail = "" if self._redact else f" ({failure})"
        raise KeysUnavailable(f"{summary}: its keys cannot be fetched now. Try again later.{detail}") from None

    def _source(self, provider: Provider) -> KeySource:
        options = self._options
        return KeySource(
            lambda: published(provider, seconds=options.auth_fetch_seconds),
            kept=options.auth_keys_seconds,
            pause=options.auth_refetch_seconds,
        )


def _form_fault(provider: Provider, token: Token) -> str | None:
    """What in a token does not fit its provider, before any key is asked for; None when all fits."""
    if token.algorithm not in provider.algorithms:
        return f"alg is {shown(token.algorithm)}; this provider signs with {' or '.join(provider.algorithms)}"
    kid = token.header.get("kid")
    if kid is not None and not isinstance(kid, str):
        return f"kid is {shown(kid)}; it must be text"
    if isinstance(provider, CustomJwtProvider):
        if kid is None:
            return "its header lacks kid, which says by which key it was signed"
        return token.type_fault(required=True)
    audience = token.claims.get("aud")
    if audience not in (provider.application_id, [provider.application_id]):
        return f"aud is {shown(audience)}; tokens for several audiences are refused"
    return token.type_fault(required=False)
