"""Users that tests make up."""

from reactor.testing.identities import ISSUER, user_attributes


def test_what_is_not_given_is_made_up():
    assert user_attributes(7, {"name": "Ada"}) == {
        "name": "Ada",
        "subject": "user7",
        "issuer": ISSUER,
        "tokenIdentifier": f"{ISSUER}|user7",
    }


def test_what_is_given_counts():
    given = {"subject": "ada", "issuer": "https://id.example"}
    assert user_attributes(1, given) == {**given, "tokenIdentifier": "https://id.example|ada"}
    assert user_attributes(1, {"token_identifier": "x|y"})["tokenIdentifier"] == "x|y"
    assert user_attributes(1, {"tokenIdentifier": "x|y"})["tokenIdentifier"] == "x|y"


def test_names_of_standard_claims_are_translated_and_others_stay():
    attributes = user_attributes(1, {"email_verified": True, "family_name": "L", "org_id": 3, "org.role": "admin"})
    assert attributes.keys() >= {"emailVerified", "familyName", "org_id", "org.role"}
