"""Who a request says it comes from."""

import ast
import base64

import pytest

from reactor.errors import KeysUnavailable, TokenRefused
from reactor.http.authorization import AdminKey, caller, identify, normal_key
from reactor.http.exchange import HttpError
from reactor.runtime.identity import ANONYMOUS, Identity
from tests.support.server import REPOSITORY


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("name|secret", "name|secret"),
        ("prod:name|secret", "name|secret"),
        ("dev:name|secret", "name|secret"),
        ("preview:team:project|secret", "secret"),
        ("project:team:project|secret", "secret"),
        ("name|a:b", "name|a:b"),
        ("secret", "secret"),
        ("prod:secret", "prod:secret"),
        ("", ""),
        ("|", "|"),
    ],
)
def test_the_kind_of_a_deployment_is_no_part_of_its_key(given: str, normal: str):
    assert normal_key(given) == normal


def test_a_key_is_not_shown():
    assert "secret" not in repr(AdminKey("name|secret"))


@pytest.mark.parametrize("given", ["name|secret", "prod:name|secret"])
def test_the_right_key(given: str):
    assert AdminKey("name|secret")(given)
    assert AdminKey("prod:name|secret")(given)


@pytest.mark.parametrize("given", ["", "name|", "name|secre", "name|secret2", "NAME|secret", "name|sécret", "\udcff"])
def test_a_wrong_key(given: str):
    assert not AdminKey("name|secret")(given)


def test_nobody():
    assert identify(None, AdminKey("name|secret")) is ANONYMOUS


def test_the_admin_and_somebody_it_acts_as():
    key = AdminKey("name|secret")
    admin = identify(b"Convex prod:name|secret", key)
    assert (admin.is_admin, admin.attributes) == (True, None)
    attributes = base64.b64encode(b'{"issuer":"school","subject":"ann","level":3}')
    acting = identify(b"convex name|secret:" + attributes, key)
    assert acting.is_admin
    assert acting.attributes == {"issuer": "school", "subject": "ann", "level": 3, "tokenIdentifier": "school|ann"}
    assert acting.key != admin.key


def test_a_key_without_a_name_may_be_followed_by_an_identity_too():
    attributes = base64.b64encode(b'{"tokenIdentifier":"ann"}')
    assert identify(b"Convex secret:" + attributes, AdminKey("secret")).attributes == {"tokenIdentifier": "ann"}


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (b"", 400, "InvalidHeaderFailure"),
        (b"Convex", 400, "InvalidHeaderFailure"),
        (b"Digest name|secret", 400, "InvalidAdminKey"),
        (b"Convex other|secret", 401, "BadAdminKey"),
        (b"Convex \xff\xfe", 401, "BadAdminKey"),
        (b"Bearer abc", 403, "BadDeployKey"),
        (b"Convex name|secret:e30", 400, "HeaderParseFailure"),
    ],
)
def test_headers_that_prove_nothing(header: bytes, status: int, code: str):
    with pytest.raises(HttpError) as caught:
        identify(header, AdminKey("name|secret"))
    assert (caught.value.status, caught.value.code) == (status, code)
    assert "secret" not in caught.value.message


async def verify(token: str) -> Identity:
    if token == "later":
        raise KeysUnavailable("no keys")
    if token != "ann's":
        raise TokenRefused("no", "because", code="NoAuthProvider")
    return Identity({"tokenIdentifier": "ann"})


async def test_users_where_they_are_known():
    key = AdminKey("name|secret")
    for header in (b"Bearer ann's", b"bearer   ann's ", b"BEARER ann's"):
        assert (await caller(header, key, verify)).attributes == {"tokenIdentifier": "ann"}
    assert await caller(None, key, verify) is ANONYMOUS
    assert (await caller(b"Convex name|secret", key, verify)).is_admin


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (b"Bearer forged", 401, "NoAuthProvider"),
        (b"Bearer ", 401, "NoAuthProvider"),
        (b"Bearer later", 503, "AuthProviderDiscoveryFailed"),
        (b"Bearer", 400, "InvalidHeaderFailure"),
        (b"Basic ann's", 400, "InvalidAdminKey"),
        (b"Convex other|key", 401, "BadAdminKey"),
    ],
)
async def test_users_who_prove_nothing(header: bytes, status: int, code: str):
    with pytest.raises(HttpError) as caught:
        await caller(header, AdminKey("name|secret"), verify)
    assert (caught.value.status, caught.value.code) == (status, code)


COMPARISONS = [
    ("reactor/http/authorization.py", "__call__"),
    ("reactor/settings/kinds.py", "matches"),
    ("reactor/files/links.py", "_check"),
    ("functions/access.py", "check_key"),
    ("functions/http.py", "_signed"),
]
"""Functions that compare something secret with what somebody gave."""


@pytest.mark.parametrize(("file", "name"), COMPARISONS)
def test_what_is_secret_is_compared_in_constant_time(file: str, name: str):
    module = ast.parse((REPOSITORY / file).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    (function,) = [node for node in ast.walk(module) if isinstance(node, kinds) and node.name == name]
    calls = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    assert "hmac.compare_digest" in calls
    compared = [node for node in ast.walk(function) if isinstance(node, ast.Compare)]
    equal = [ast.unparse(node) for node in compared if any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops)]
    assert [text for text in equal if not text.startswith("len(")] == [], "nothing else is compared but lengths"
