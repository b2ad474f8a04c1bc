"""How providers are declared, and what is said of a wrong declaration."""

import base64
import json
from typing import Any

import pytest

from reactor.auth.providers import CustomJwtProvider, OidcProvider, normal_issuer, parse_providers
from reactor.errors import LoadError
from tests.support.issuer import signing_key

OIDC = {"domain": "https://login.example", "applicationID": "app"}
CUSTOM = {
    "type": "customJwt",
    "issuer": "https://own.example",
    "jwks": "https://own.example/keys",
    "algorithm": "ES256",
}


def one(declared: dict[str, Any]) -> Any:
    [provider] = parse_providers([declared], "providers")
    return provider


def fault(declared: object) -> str:
    with pytest.raises(LoadError) as caught:
        parse_providers([declared], "functions/auth_config.py: providers")
    text = str(caught.value)
    assert text.startswith("functions/auth_config.py: providers[0] ")
    return text


def key_set(*algorithms: str) -> bytes:
    return json.dumps({"keys": [signing_key(name, name).public for name in algorithms]}).encode()


@pytest.mark.parametrize(
    "domain", ["login.example", "https://login.example", "https://login.example/", "login.example/"]
)
def test_an_openid_connect_provider(domain: str):
    assert one({"domain": domain, "applicationID": "app"}) == OidcProvider("https://login.example", "app")


@pytest.mark.parametrize("name", ["applicationID", "applicationId", "application_id"])
@pytest.mark.parametrize("type", [{}, {"type": "oidc"}, {"type": None}])
def test_spellings_of_an_openid_connect_provider(name: str, type: dict[str, Any]):
    assert one({"domain": "https://login.example", name: "app", **type}).application_id == "app"


@pytest.mark.parametrize("type", ["customJwt", "custom_jwt", "customJWT"])
def test_a_custom_provider(type: str):
    provider = one({**CUSTOM, "type": type})
    assert isinstance(provider, CustomJwtProvider)
    assert (provider.issuer, provider.jwks, provider.algorithms) == (CUSTOM["issuer"], CUSTOM["jwks"], ("ES256",))
    assert provider.application_id is None
    assert one({**CUSTOM, "applicationID": None}).application_id is None
    assert one({**CUSTOM, "application_id": "app"}).application_id == "app"


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.3.2.1:5", "[::1]:9", "auth.localhost"])
def test_this_machine_may_go_without_https(host: str):
    assert one({"domain": f"http://{host}", "applicationID": "app"}).issuer == f"http://{host}"
    assert one({**CUSTOM, "jwks": f"http://{host}/keys"}).jwks == f"http://{host}/keys"


@pytest.mark.parametrize(
    "head",
    ["application/json", "text/plain;charset=utf-8", "", "application/json;base64", ";BASE64", "text/plain; base64"],
)
def test_keys_in_the_declaration(head: str):
    raw = key_set("ES256")
    coded = base64.b64encode(raw).decode() if "base64" in head.lower() else raw.decode().replace(" ", "%20")
    provider = one({**CUSTOM, "jwks": f"data:{head},{coded}"})
    assert len(provider.inline.find("ES256", "ES256")) == 1


def test_base64_may_lack_its_filling_and_be_that_of_urls():
    raw = key_set("ES256") + b" "
    coded = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert one({**CUSTOM, "jwks": f"data:;base64,{coded}"}).inline is not None


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (5, "is a int; a provider is a dict"),
        ("https://login.example", "is a str"),
        ({}, "lacks 'domain'"),
        ({"domain": "https://login.example"}, "lacks 'application_id'"),
        ({**OIDC, "applicationID": ""}, "has the application_id ''"),
        ({**OIDC, "applicationID": 5}, "has the application_id 5"),
        ({**OIDC, "domain": "http://login.example"}, "use https"),
        ({**OIDC, "domain": "http://127.0.0.1.evil.example"}, "use https"),
        ({**OIDC, "domain": "http://localhost@evil.example"}, "leave out the name and password"),
        ({**OIDC, "domain": "ftp://login.example"}, "use https"),
        ({**OIDC, "domain": "https://"}, "no URL with a host"),
        ({**OIDC, "domain": "https://a b.example"}, "no URL with a host"),
        ({**OIDC, "domain": "https://[::1"}, "cannot be read as a URL"),
        ({**OIDC, "domain": "https://x.example:port"}, "cannot be read as a URL"),
        ({**OIDC, "domain": "https://x.example/#part"}, "leave out what follows the `#`"),
        ({**OIDC, "domain": "https://x.example/?a=b"}, "leave out what follows the `?`"),
        ({**OIDC, "domian": "x"}, "a field 'domian' that is unknown; did you mean 'domain'?"),
        ({**OIDC, "zzz": "x"}, "it may have type, domain, application_id"),
        ({**OIDC, "jwks": "x"}, 'add "type": "customJwt"'),
        ({**OIDC, "type": "saml"}, "has the type 'saml'"),
        ({**OIDC, "type": ["oidc"]}, "has the type ['oidc']"),
        ({**CUSTOM, "algorithm": "HS256"}, "has the algorithm 'HS256'; it is one of RS256, ES256"),
        ({**CUSTOM, "algorithm": "none"}, "has the algorithm 'none'"),
        ({**CUSTOM, "algorithm": None}, "lacks 'algorithm'"),
        ({**CUSTOM, "jwks": "http://own.example/keys"}, "use https"),
        ({**CUSTOM, "jwks": "file:///etc/passwd"}, "no URL with a host"),
        ({**CUSTOM, "jwks": "x" * 600_000}, "a jwks of 600000 characters"),
        ({**CUSTOM, "jwks": "data:nothing"}, "no comma"),
        ({**CUSTOM, "jwks": "data:;base64,!!!"}, "not base64"),
        ({**CUSTOM, "jwks": "data:,{}"}, "no key set"),
        ({**CUSTOM, "jwks": "data:,x"}, "not JSON"),
        ({**CUSTOM, "jwks": f"data:,{key_set('RS256').decode()}"}, "no key for ES256; the key set has 'RS256' (RS256)"),
        ({**CUSTOM, "domain": "x"}, "a field 'domain' that is unknown"),
    ],
)
def test_a_wrong_declaration_is_explained(declared: object, said: str):
    assert said in fault(declared)


@pytest.mark.parametrize("declared", [5, "x", {"domain": "x"}, None])
def test_providers_are_a_list(declared: object):
    with pytest.raises(LoadError, match="providers must be a list of providers"):
        parse_providers(declared, "providers")


def test_there_are_not_too_many():
    with pytest.raises(LoadError, match="at most 100"):
        parse_providers([OIDC] * 101, "providers")


@pytest.mark.parametrize("issuer", ["x.example", "https://x.example", "https://x.example/", "x.example//"])
def test_issuers_are_compared_without_scheme_and_slash(issuer: str):
    assert normal_issuer(issuer) == "https://x.example"


def test_another_scheme_is_another_issuer():
    assert normal_issuer("http://x.example") != normal_issuer("x.example")
