"""Which tokens are believed: against a real issuer, with real keys."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import threading
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from reactor.auth.providers import parse_providers
from reactor.errors import KeysUnavailable
from tests.integration.auth.checking import Checking, Options
from tests.support.issuer import DISCOVERY, KEYS, Issuer, Reply, signing_key


def encoded(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def without_signature(token: str, **header: Any) -> str:
    """The token with another header, and the old signature."""
    head, payload, signature = token.split(".")
    fields = json.loads(base64.urlsafe_b64decode(head + "=="))
    return f"{encoded({**fields, **header})}.{payload}.{signature}"


# Good tokens


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
async def test_a_token_of_an_openid_connect_issuer(algorithm: str):
    with Issuer(signing_key("first", algorithm)) as issuer:
        checking = Checking(issuer.provider)
        attributes = await checking.attributes(issuer.token(name="Ann", email_verified=True, role="admin", jti="1"))
        assert attributes == {
            "tokenIdentifier": f"{issuer.url}|ann",
            "issuer": issuer.url,
            "subject": "ann",
            "name": "Ann",
            "emailVerified": True,
            "role": "admin",
        }
        assert issuer.requests == [DISCOVERY, KEYS]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_custom_token(algorithm: str):
    with Issuer(signing_key("first", algorithm)) as issuer:
        checking = Checking(issuer.custom(algorithm))
        attributes = await checking.attributes(issuer.token(aud=None, name="Ann", org={"id": 5, "roles": ["a"]}))
        assert attributes == {
            "tokenIdentifier": f"{issuer.url}|ann",
            "issuer": issuer.url,
            "subject": "ann",
            "name": "Ann",
            "org.id": 5,
            "org.roles": ["a"],
        }
        assert issuer.requests == [KEYS], "custom issuers have no discovery"


@pytest.mark.parametrize("type", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
async def test_types_of_custom_tokens(issuer: Issuer, type: str):
    checking = Checking(issuer.custom())
    assert (await checking.attributes(issuer.token(headers={"typ": type})))["subject"] == "ann"


async def test_keys_may_stand_in_the_configuration(issuer: Issuer):
    plain = "data:application/json," + issuer.key_set().decode().replace(" ", "%20")
    coded = "data:text/plain;charset=utf-8;base64," + base64.b64encode(issuer.key_set()).decode()
    for uri in (plain, coded):
        checking = Checking({**issuer.custom(), "jwks": uri})
        assert (await checking.attributes(issuer.token()))["subject"] == "ann"
        assert "no key has kid 'other'" in await checking.refusal(issuer.token(headers={"kid": "other"}))
    assert issuer.requests == []


@pytest.mark.parametrize("declared", ["{0}", "{0}/"])
@pytest.mark.parametrize("slash", [True, False])
async def test_a_slash_at_the_end_of_an_issuer_does_not_matter(declared: str, slash: bool):
    with Issuer(slash=slash) as issuer:
        for provider in ({"domain": declared.format(issuer.url), "applicationID": "app"}, issuer.custom()):
            attributes = await Checking(provider).attributes(issuer.token())
            assert attributes["tokenIdentifier"] == f"{issuer.name}|ann", "as the token says it"


async def test_the_issuer_must_be_spelled_as_it_calls_itself(issuer: Issuer):
    checking = Checking(issuer.provider)
    assert "calls itself" in await checking.refusal(issuer.token(iss=issuer.url + "/"))


async def test_the_first_provider_that_fits_is_taken(issuer: Issuer):
    with Issuer(signing_key("second")) as other:
        checking = Checking(
            {**issuer.provider, "applicationID": "elsewhere"}, other.provider, issuer.provider, issuer.custom()
        )
        attributes = await checking.attributes(issuer.token(given_name="Ann"))
        assert attributes["givenName"] == "Ann", "as OpenID Connect, not as a custom token"
        assert (await checking.attributes(other.token()))["issuer"] == other.url
        attributes = await checking.attributes(issuer.token(aud=["x", "y"], given_name="Ann"))
        assert attributes["given_name"] == "Ann", "by the custom provider, which takes any audience"


async def test_any_audience_of_a_custom_token_may_be_the_application(issuer: Issuer):
    checking = Checking(issuer.custom(applicationID="app"))
    assert (await checking.attributes(issuer.token(aud=["other", "app"])))["subject"] == "ann"
    text = await checking.refusal(issuer.token(aud=["other"]), "NoAuthProvider")
    assert "no provider of this issuer has this audience" in text


async def test_a_token_without_key_id_is_of_the_only_key(issuer: Issuer):
    checking = Checking(issuer.provider)
    bare = jwt.encode(issuer.claims(), issuer.keys[0].private, "RS256")
    assert (await checking.attributes(bare))["subject"] == "ann"
    issuer.keys.append(signing_key("second"))
    assert "no key has kid None" in await Checking(issuer.provider).refusal(bare)


# Tokens that prove nothing


async def test_a_wrong_key(issuer: Issuer):
    forged = signing_key("forged")._replace(kid="first").sign(issuer.claims())
    for provider in (issuer.provider, issuer.custom()):
        assert "signature" in await Checking(provider).refusal(forged)


async def test_a_payload_that_was_changed(issuer: Issuer):
    head, _, signature = issuer.token().split(".")
    changed = f"{head}.{encoded(issuer.claims('bob'))}.{signature}"
    assert "signature" in await Checking(issuer.provider).refusal(changed)


async def test_a_wrong_issuer_is_not_even_asked(issuer: Issuer):
    with Issuer(signing_key("second")) as other:
        for iss in (other.url, "http://169.254.169.254/latest", "file:///etc/passwd", issuer.url + "/../x"):
            headers = {"jku": other.url + KEYS, "x5u": other.url}
            token = other.token(iss=iss, headers=headers)
            text = await Checking(issuer.provider).refusal(token, "NoAuthProvider")
            assert iss in text
            assert f"OIDC {issuer.url} (applicationID 'app')" in text
        assert other.requests == issuer.requests == []


async def test_a_key_that_the_token_brings_along(issuer: Issuer):
    own = signing_key("own")
    with Issuer(own) as other:
        token = own.sign(issuer.claims(), kid="first", jwk=own.public, jku=other.url + KEYS)
        assert "signature" in await Checking(issuer.provider).refusal(token)
        assert other.requests == []


@pytest.mark.parametrize("audience", ["other", ["other"], [], "", 5, None])
async def test_a_wrong_audience(issuer: Issuer, audience: object):
    text = await Checking(issuer.provider).refusal(issuer.token(aud=audience), "NoAuthProvider")
    assert f"aud {audience!r}" in text


async def test_several_audiences_of_an_openid_connect_token(issuer: Issuer):
    text = await Checking(issuer.provider).refusal(issuer.token(aud=["app", "other"]))
    assert "several audiences" in text
    assert (await Checking(issuer.provider).attributes(issuer.token(aud=["app"])))["subject"] == "ann"


@pytest.mark.parametrize(
    ("claims", "offset", "good"),
    [
        ({}, 3600 + 4, True),
        ({}, 3600 + 5, False),
        ({"nbf": 100}, 95, True),
        ({"nbf": 100}, 94, False),
        ({"iat": 100}, 95, True),
        ({"iat": 100}, 94, False),
    ],
)
async def test_times_have_five_seconds_of_leeway(issuer: Issuer, claims: dict[str, int], offset: int, good: bool):
    for provider in (issuer.provider, issuer.custom()):
        checking = Checking(provider)
        now = int(checking.clock)
        times: dict[str, Any] = {"iat": now, "exp": now + 3600}
        times |= {name: now + value for name, value in claims.items()}
        token = issuer.token(**times)
        checking.clock = now + offset
        if good:
            assert (await checking.attributes(token))["subject"] == "ann"
        else:
            text = await checking.refusal(token)
            assert next(iter(claims), "exp") + ":" in text
            assert "5 s of leeway" in text


async def test_an_identity_ends_with_its_token(issuer: Issuer):
    checking = Checking(issuer.provider)
    identity = await checking.verifier.verify(issuer.token(exp=int(checking.clock) + 60))
    assert identity.expires == checking.clock + 65


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": None}, "exp is missing"),
        ({"exp": "soon"}, "exp is 'soon'"),
        ({"exp": True}, "exp is True"),
        ({"nbf": []}, "nbf is []"),
        ({"sub": None}, "sub is None"),
        ({"sub": ""}, "sub is ''"),
        ({"sub": 5}, "sub is 5"),
    ],
)
async def test_claims_that_every_token_needs(issuer: Issuer, claims: dict[str, Any], said: str):
    payload = {**issuer.claims(), **claims}
    payload = {name: value for name, value in payload.items() if value is not None}
    head = encoded({"alg": "RS256", "kid": "first", "typ": "JWT"})
    body = encoded(payload)
    algorithm = jwt.get_algorithm_by_name("RS256")
    signature = algorithm.sign(f"{head}.{body}".encode(), issuer.keys[0].private)
    token = f"{head}.{body}.{encoded(signature)}"
    for provider in (issuer.provider, issuer.custom()):
        assert said in await Checking(provider).refusal(token)


@pytest.mark.parametrize("issuer_claim", [None, "", 5])
async def test_an_issuer_claim_is_needed(issuer: Issuer, issuer_claim: object):
    token = f"{encoded({'alg': 'RS256'})}.{encoded({'sub': 'ann', 'iss': issuer_claim})}.AA"
    assert "Missing issuer claim ('iss')" in await Checking(issuer.provider).refusal(token)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", None, "", 5, ["RS256"]])
async def test_tokens_without_a_signature(issuer: Issuer, algorithm: object):
    for provider in (issuer.provider, issuer.custom()):
        checking = Checking(provider)
        unsigned = f"{encoded({'alg': algorithm, 'kid': 'first', 'typ': 'JWT'})}.{encoded(issuer.claims())}."
        assert "alg is" in await checking.refusal(unsigned)
        assert "alg is" in await checking.refusal(without_signature(issuer.token(), alg=algorithm))


async def test_the_public_key_is_no_shared_secret(issuer: Issuer):
    public = issuer.keys[0].private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({'alg': 'HS256', 'kid': 'first', 'typ': 'JWT'})}.{encoded(issuer.claims())}"
    token = f"{signed}.{encoded(hmac.digest(pem, signed.encode(), hashlib.sha256))}"
    for provider in (issuer.provider, issuer.custom()):
        assert "alg is 'HS256'" in await Checking(provider).refusal(token)


async def test_a_shared_secret_in_a_key_set_is_no_key(issuer: Issuer):
    secret = {"kty": "oct", "kid": "first", "alg": "HS256", "k": encoded(b"s" * 32)}
    issuer.replies[KEYS] = Reply(json.dumps({"keys": [secret]}).encode())
    token = jwt.encode(issuer.claims(), b"s" * 32, "HS256", headers={"kid": "first"})
    assert "alg is 'HS256'" in await Checking(issuer.provider).refusal(token)
    assert "kty 'oct'" in await Checking(issuer.provider).refusal(issuer.token())


@pytest.mark.parametrize("key", [signing_key("curve", "ES256"), signing_key("edwards", "EdDSA")], ids=["EC", "OKP"])
async def test_the_algorithm_is_the_providers(key: Any):
    with Issuer(signing_key("first"), key) as issuer:
        assert f"alg is '{key.algorithm}'; this provider signs with RS256" in await Checking(issuer.custom()).refusal(
            issuer.token()
        )
        token = without_signature(issuer.token(), alg="RS256")
        assert "no key has kid" in await Checking(issuer.custom()).refusal(token), "an EC key verifies no RS256"


async def test_a_custom_token_needs_key_id_and_type(issuer: Issuer):
    checking = Checking(issuer.custom())
    bare = jwt.encode(issuer.claims(), issuer.keys[0].private, "RS256")
    assert "lacks kid" in await checking.refusal(bare)
    untyped = without_signature(issuer.token())
    head = json.loads(base64.urlsafe_b64decode(untyped.split(".")[0] + "=="))
    del head["typ"]
    assert "lacks typ" in await checking.refusal(".".join([encoded(head), *untyped.split(".")[1:]]))
    assert "typ 'logout+jwt'" in await checking.refusal(issuer.token(headers={"typ": "logout+jwt"}))
    assert "typ 'logout+jwt'" in await Checking(issuer.provider).refusal(issuer.token(headers={"typ": "logout+jwt"}))
    assert "kid is 5" in await checking.refusal(without_signature(issuer.token(), kid=5))


async def test_headers_that_demand_what_is_not_understood(issuer: Issuer):
    token = issuer.token(headers={"crit": ["exp2"], "exp2": 1})
    assert "exp2" in await Checking(issuer.provider).refusal(token, "InvalidAuthHeader")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "a.b",
        "a.b.c.d.e",
        "é.é.é",
        f"{encoded([])}.{encoded({})}.AA",
        f"{encoded({})}.{encoded(5)}.AA",
        f"{encoded({})}.{encoded(b'{' * 10_000)}.AA",
        f"{encoded({})}.{encoded(b'[' * 8_000 + b']' * 8_000)}.AA",
        "\ud800.a.b",
    ],
)
async def test_what_is_no_token(issuer: Issuer, token: str):
    assert "Could not decode token" in await Checking(issuer.provider).refusal(token, "InvalidAuthHeader")


async def test_huge_tokens(issuer: Issuer):
    checking = Checking(issuer.provider)
    assert (await checking.attributes(issuer.token(roles=["r" * 20_000])))["subject"] == "ann"
    text = await checking.refusal(issuer.token(roles=["r" * 40_000]), "InvalidAuthHeader")
    assert "at most 32768" in text
    assert len(text) < 500


# Keys


async def test_keys_are_fetched_once(issuer: Issuer):
    checking = Checking(issuer.provider)
    for subject in ("ann", "bob", "cid"):
        assert (await checking.attributes(issuer.token(subject)))["subject"] == subject
    assert issuer.requests == [DISCOVERY, KEYS]


class Eager(Options):
    auth_refetch_seconds = 0.0


async def test_an_issuer_that_changes_its_keys(issuer: Issuer):
    checking = Checking(issuer.provider, options=Eager)
    old = issuer.token()
    assert (await checking.attributes(old))["subject"] == "ann"
    issuer.rotate(signing_key("second"))
    assert (await checking.attributes(issuer.token()))["subject"] == "ann"
    assert "no key has kid 'first'" in await checking.refusal(old)


async def test_unknown_key_ids_do_not_reach_the_issuer_each_time(issuer: Issuer):
    checking = Checking(issuer.provider)
    for number in range(20):
        assert "no key has kid" in await checking.refusal(issuer.token(headers={"kid": f"made up {number}"}))
    assert issuer.requests == [DISCOVERY, KEYS]


async def test_tokens_that_come_together_ask_once(issuer: Issuer):
    gate = threading.Event()
    issuer.replies[KEYS] = Reply(issuer.key_set(), gate=gate)
    checking = Checking(issuer.provider)
    waiting = [asyncio.ensure_future(checking.attributes(issuer.token(f"user {n}"))) for n in range(20)]
    gate.set()
    assert [attributes["subject"] for attributes in await asyncio.gather(*waiting)] == [f"user {n}" for n in range(20)]
    assert issuer.requests == [DISCOVERY, KEYS]


async def test_a_reload_keeps_the_keys_of_providers_that_stay(issuer: Issuer):
    checking = Checking(issuer.provider)
    await checking.attributes(issuer.token())
    checking.verifier.adopt(parse_providers([issuer.provider, {"domain": "x.example", "applicationID": "y"}], ""))
    await checking.attributes(issuer.token())
    assert issuer.requests == [DISCOVERY, KEYS]
    checking.verifier.adopt(())
    assert "this deployment has none" in await checking.refusal(issuer.token(), "NoAuthProvider")


class Hasty(Options):
    auth_fetch_seconds = 0.2


async def test_an_issuer_that_does_not_answer(issuer: Issuer):
    issuer.replies[KEYS] = Reply(gate=threading.Event())
    checking = Checking(issuer.provider, options=Hasty)
    with pytest.raises(KeysUnavailable, match=r"Try again later\. \(http.*did not answer within 0.2 s\)"):
        await checking.verifier.verify(issuer.token())
    redacted = Checking(issuer.provider, options=Hasty, redact=True)
    with pytest.raises(KeysUnavailable) as caught:
        await redacted.verifier.verify(issuer.token())
    assert issuer.url not in str(caught.value)


async def test_an_issuer_that_is_gone():
    with Issuer() as issuer:
        token = issuer.token()
    for _ in range(2):
        with pytest.raises(KeysUnavailable, match="cannot be reached"):
            await Checking(issuer.provider).verifier.verify(token)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_an_issuer_in_trouble(issuer: Issuer, status: int):
    issuer.replies[DISCOVERY] = Reply(status=status)
    with pytest.raises(KeysUnavailable, match=f"status {status}"):
        await Checking(issuer.provider).verifier.verify(issuer.token())


@pytest.mark.parametrize(
    ("path", "reply", "said"),
    [
        (DISCOVERY, Reply(status=404), "status 404"),
        (DISCOVERY, Reply(b"{}"), "is about the issuer None"),
        (
            DISCOVERY,
            Reply(b'{"issuer":"https://elsewhere.example"}'),
            "is about the issuer 'https://elsewhere.example'",
        ),
        (DISCOVERY, Reply(b"[]"), "no object"),
        (DISCOVERY, Reply(b"<html>"), "no JSON"),
        (DISCOVERY, Reply(b"{}", content_type="text/html"), "content type 'text/html'"),
        (DISCOVERY, Reply(b"{}", content_type="application/json; charset=latin-1"), "charset=latin-1"),
        (KEYS, Reply(b"[" * 100_000), "not JSON"),
        (KEYS, Reply(b'{"keys":5}'), "no key set"),
        (KEYS, Reply(b'{"keys":[{}]}', content_type="text/plain"), "content type 'text/plain'"),
        (KEYS, Reply(json.dumps({"keys": [{}] * 101}).encode()), "more than 100 keys"),
        (KEYS, Reply(b" " * (512 * 1024 + 1)), "more than 524288 bytes"),
        (KEYS, Reply(b"x", headers=(("Content-Encoding", "gzip"),)), "compressed"),
    ],
)
async def test_an_issuer_that_answers_nonsense(issuer: Issuer, path: str, reply: Reply, said: str):
    issuer.replies[path] = reply
    text = await Checking(issuer.provider).refusal(issuer.token(), "AuthProviderDiscoveryFailed")
    assert said in text
    assert len(text) < 1000


@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(issuer: Issuer, path: str, status: int):
    with Issuer() as other:
        issuer.replies[path] = Reply(status=status, headers=(("Location", other.url + path),))
        text = await Checking(issuer.provider).refusal(issuer.token(), "AuthProviderDiscoveryFailed")
        assert "redirects to" in text
        assert other.requests == []


@pytest.mark.parametrize("target", ["http://elsewhere.example/keys", "file:///etc/passwd", "gopher://x/", "/keys", 5])
async def test_discovery_sends_to_safe_places_only(issuer: Issuer, target: object):
    issuer.replies[DISCOVERY] = Reply(json.dumps({"issuer": issuer.url, "jwks_uri": target}).encode())
    text = await Checking(issuer.provider).refusal(issuer.token(), "AuthProviderDiscoveryFailed")
    assert "is not fetched" in text or "names no jwks_uri" in text


async def test_keys_outlive_an_issuer_that_is_down():
    with Issuer() as issuer:
        checking = Checking(issuer.provider, options=Eager)
        await checking.attributes(issuer.token())
        token = issuer.token("bob")
    assert (await checking.attributes(token))["subject"] == "bob"
    assert "no key has kid 'new'" in await checking.refusal(issuer.token(headers={"kid": "new"}))
    assert (await checking.attributes(token))["subject"] == "bob"


# What is said, and to whom


async def test_production_says_no_more_than_it_must(issuer: Issuer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    checking = Checking(issuer.provider, issuer.custom(applicationID="other"), redact=True)
    assert await checking.refusal(issuer.token(aud="x"), "NoAuthProvider") == (
        "No auth provider found matching the given token"
    )
    assert await checking.refusal(issuer.token(exp=5)) == "Could not verify OIDC token claim"
    assert await checking.refusal(issuer.token(aud="other", exp=5)) == "Could not verify token claim"
    assert await checking.refusal("x", "InvalidAuthHeader") == "Could not decode token"
    assert "exp: it expired at 1970-01-01T00:00:05+00:00" in caplog.text
    assert "has iss" in caplog.text


async def test_no_token_stands_in_a_log_or_an_error(issuer: Issuer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    checking = Checking(issuer.provider, issuer.custom(applicationID="other"))
    good = issuer.token()
    forged = signing_key("forged")._replace(kid="first").sign(issuer.claims())
    tokens = [good, forged, issuer.token(exp=5), issuer.token(aud="x"), issuer.token(iss="x"), issuer.token(sub="")]
    tokens += [good[:-3], good + ".x", good.replace(".", ":"), issuer.token(headers={"crit": ["x"]})]
    said = ""
    for token in tokens:
        try:
            await checking.verifier.verify(token)
        except Exception as error:
            said += str(error)
    said += caplog.text
    for token in tokens:
        for part in (part for part in token.split(".") if len(part) > 20):
            assert part not in said


async def test_what_a_token_says_cannot_break_a_line_of_the_log(issuer: Issuer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    await Checking(issuer.provider).refusal(issuer.token(iss="x\nINFO forged\x1b[31m"), "NoAuthProvider")
    await Checking(issuer.provider).refusal(issuer.token(headers={"kid": "x\nINFO forged"}))
    await Checking(issuer.provider).refusal(issuer.token(aud="x" * 5_000), "NoAuthProvider")
    for record in caplog.records:
        assert "\n" not in record.getMessage()
        assert "\x1b" not in record.getMessage()
        assert len(record.getMessage()) < 1000
