"""Which published keys are used, and for what."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reactor.auth.key_set import parse_key_set
from tests.support.issuer import SigningKey, signing_key

RSA, EC, ED = (signing_key(name, name).public for name in ("RS256", "ES256", "EdDSA"))


def parsed(*keys: Any):
    return parse_key_set(json.dumps({"keys": keys}).encode())


@pytest.mark.parametrize("key", [RSA, EC, ED], ids=["RSA", "EC", "OKP"])
def test_a_key_serves_one_algorithm(key: dict[str, Any]):
    keys = parsed({name: value for name, value in key.items() if name != "alg"})
    for algorithm in ("RS256", "ES256", "EdDSA", "HS256", "RS512", "PS256", "none"):
        assert bool(keys.find(key["kid"], algorithm)) == (algorithm == key["alg"])
    assert keys.find("other", key["alg"]) == []


def test_keys_of_one_id_are_all_tried():
    assert len(parsed({**RSA, "kid": "a"}, {**EC, "kid": "a"}, {**RSA, "kid": "a"}).find("a", "RS256")) == 2


def test_without_an_id_only_an_only_key_will_do():
    assert len(parsed(RSA, EC).find(None, "RS256")) == 1
    assert parsed(RSA, {**RSA, "kid": "b"}).find(None, "RS256") == []
    unnamed = {name: value for name, value in RSA.items() if name != "kid"}
    assert len(parsed(unnamed).find(None, "RS256")) == 1
    assert parsed(unnamed).find("a", "RS256") == []


def test_the_newer_name_of_edwards_curves():
    assert parsed({**ED, "alg": "Ed25519"}).find("EdDSA", "EdDSA")


def test_private_members_are_not_kept():
    private = {**RSA, "d": "AQ", "p": "AQ", "q": "AQ"}
    [key] = parsed(private).find("RS256", "RS256")
    assert not hasattr(key.key, "private_numbers")


short = SigningKey("short", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024)).public
wide = SigningKey("wide", "ES384", ec.generate_private_key(ec.SECP384R1())).public


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (5, "no object"),
        ({}, "kty None"),
        ({"kty": "oct", "k": "AQ", "kid": "a"}, "kty 'oct'"),
        ({"kty": ["RSA"]}, "is not supported"),
        ({**RSA, "use": "enc"}, "its use is 'enc'"),
        ({**RSA, "key_ops": ["encrypt"]}, "without verify"),
        ({**RSA, "key_ops": 5}, "without verify"),
        ({**RSA, "alg": "PS256"}, "alg 'PS256'; only RS256"),
        ({**RSA, "alg": "HS256"}, "alg 'HS256'"),
        ({**RSA, "kid": 5}, "its kid is no text"),
        ({**RSA, "n": "!"}, "cannot be read"),
        ({**EC, "x": "AQ"}, "cannot be read"),
        ({"kty": "EC", "crv": "P-256"}, "cannot be read"),
        (short, "1024 bits; at least 2048"),
        (wide, "crv 'P-384'"),
    ],
)
def test_a_key_that_cannot_be_used_is_left_out(key: Any, said: str):
    keys = parsed(key, EC)
    assert keys.find("ES256", "ES256"), "the others are"
    assert said in keys.describe()
    assert keys.suiting(("RS256", "ES384", "HS256", "PS256")) == []


def test_a_private_key_in_the_open_is_not_repeated():
    assert "secret" not in parsed({**RSA, "kty": "oct", "k": "secret"}).describe()


@pytest.mark.parametrize("raw", [b"", b"[]", b"5", b"{}", b'{"keys":{}}', b"\xff", b"[" * 100_000])
def test_what_is_no_key_set(raw: bytes):
    with pytest.raises(ValueError, match=r"it is no"):
        parse_key_set(raw)


def test_too_many_keys():
    with pytest.raises(ValueError, match="more than 100"):
        parsed(*[{}] * 101)
    assert len(parsed(*[{}] * 100).describe()) < 400
