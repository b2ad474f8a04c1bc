"""From claims to the identity that functions see."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.auth.attributes import custom_attributes, oidc_attributes
from reactor.runtime.identity import Identity

BASE = {"iss": "https://x.example/", "sub": "ann"}
IDENTITY = {"tokenIdentifier": "https://x.example/|ann", "issuer": "https://x.example/", "subject": "ann"}
TIMES = {"exp": 1, "nbf": 2, "iat": 3, "jti": "4", "aud": "app", "fva": [1, 2]}


def oidc(**claims: Any) -> dict[str, Any]:
    attributes = oidc_attributes({**BASE, **claims})
    assert IDENTITY.items() <= attributes.items()
    return {name: value for name, value in attributes.items() if name not in IDENTITY}


def custom(**claims: Any) -> dict[str, Any]:
    attributes = custom_attributes({**BASE, **claims})
    assert IDENTITY.items() <= attributes.items()
    return {name: value for name, value in attributes.items() if name not in IDENTITY}


def test_standard_claims_in_camel_case():
    claims = {
        "name": "Ann Lee",
        "given_name": "Ann",
        "family_name": "Lee",
        "nickname": "an",
        "preferred_username": "ann",
        "profile": "https://x.example/ann",
        "picture": "https://x.example/ann.png",
        "website": "https://ann.example",
        "email": "ann@x.example",
        "email_verified": True,
        "gender": "female",
        "birthdate": "1815-12-10",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "phone_number": "+44 1",
        "phone_number_verified": False,
        "address": {"formatted": "1 Street", "country": "UK"},
        "updated_at": 1_700_000_000,
    }
    assert oidc(**claims) == {
        "name": "Ann Lee",
        "givenName": "Ann",
        "familyName": "Lee",
        "nickname": "an",
        "preferredUsername": "ann",
        "profileUrl": "https://x.example/ann",
        "pictureUrl": "https://x.example/ann.png",
        "websiteUrl": "https://ann.example",
        "email": "ann@x.example",
        "emailVerified": True,
        "gender": "female",
        "birthday": "1815-12-10",
        "timezone": "Europe/London",
        "language": "en-GB",
        "phoneNumber": "+44 1",
        "phoneNumberVerified": False,
        "address": "1 Street",
        "updatedAt": "2023-11-14T22:13:20+00:00",
    }


def test_other_claims_under_their_own_names():
    claims = {"org_id": "o1", "https://x.example/roles": ["a", {"b": 1}], "meta": {"plan": "free"}, "none": None}
    assert oidc(**claims) == claims


def test_custom_claims_as_they_are_and_nested_ones_flat():
    claims = {"given_name": "Ann", "emailVerified": True, "org": {"id": 1, "team": {"name": "a"}, "no": {}}, "r": [{}]}
    flat = {"given_name": "Ann", "emailVerified": True, "org.id": 1, "org.team.name": "a", "r": [{}]}
    assert custom(**claims) == flat


@pytest.mark.parametrize("make", [oidc, custom])
def test_what_differs_between_the_tokens_of_a_user_is_left_out(make: Any):
    assert make(**TIMES) == {}


def test_what_belongs_to_the_sign_in_is_left_out():
    names = ("nonce", "auth_time", "acr", "amr", "azp", "at_hash", "c_hash")
    assert oidc(**dict.fromkeys(names, "x")) == {}


@pytest.mark.parametrize("make", [oidc, custom])
def test_no_claim_takes_the_place_of_who_the_user_is(make: Any):
    assert make(tokenIdentifier="root", issuer="root", subject="root") == {}


def test_no_claim_of_an_issuers_own_passes_for_a_standard_one():
    assert oidc(emailVerified=True, givenName="Ann", updatedAt="x") == {}


def test_standard_claims_of_a_wrong_kind_are_left_out():
    assert oidc(name=5, email=["x"], email_verified=1, address="1 Street", updated_at=[]) == {}
    assert oidc(email_verified="true", phone_number_verified="false") == {
        "emailVerified": True,
        "phoneNumberVerified": False,
    }
    assert oidc(updated_at="2020") == {"updatedAt": "2020"}
    assert oidc(updated_at=1e300) == oidc(updated_at=True) == {}


@pytest.mark.parametrize("make", [oidc, custom])
def test_claims_that_are_no_values_are_left_out(make: Any):
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    assert make(**{"$x": 1, "naïve": 1, "n" * 2000: 1, "deep": deep, "fine": 1}) == {"fine": 1}


def test_claims_that_are_nested_without_end_are_left_out():
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    assert custom(deep=deep, fine=1) == {"fine": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=6))
def test_whatever_a_token_has_an_identity_can_be_made_of_it(claims: dict[str, Any]):
    for make in (oidc_attributes, custom_attributes):
        attributes = make({**claims, **BASE})
        assert IDENTITY.items() <= attributes.items()
        identity = Identity(attributes)
        copy = identity.copy_attributes()
        assert copy is not None
        assert Identity(copy).key == identity.key


def test_a_refreshed_token_is_the_same_identity():
    first, second = ({**BASE, "roles": ["a"], "exp": n, "iat": n, "jti": str(n)} for n in (1, 2))
    reordered = dict(reversed(second.items()))
    for make in (oidc_attributes, custom_attributes):
        assert Identity(make(first), expires=1).key == Identity(make(reordered), expires=2).key
