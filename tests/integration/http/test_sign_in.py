"""Providers that follow from the deployment's environment variables."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from reactor.errors import LoadError
from tests.integration.http.api import Api, admin_header, open_api, refused
from tests.support.chosen_store import CHOSEN
from tests.support.issuer import Issuer, signing_key
from tests.support.server import Server

BY_VARIABLES = """
def providers(env):
    return [{"domain": env["LOGIN_DOMAIN"], "applicationID": env.get("LOGIN_CLIENT", "app")}]
"""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


def write(folder: Path, config: str) -> Path:
    (folder / "functions").mkdir(parents=True, exist_ok=True)
    (folder / "functions" / "who.py").write_text(
        "from reactor import query\n\n\n@query\nasync def me(ctx) -> str | None:\n"
        "    identity = await ctx.auth.get_user_identity()\n    return identity and identity['subject']\n"
    )
    (folder / "functions" / "auth_config.py").write_text(config)
    return folder


Told = list[tuple[str, dict[str, object]]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
async def api(tmp_path: Path, told: Told) -> AsyncIterator[Api]:
    def events(kind: str, /, **fields: object) -> None:
        told.append((kind, fields))

    async with open_api(tmp_path / "data", write(tmp_path / "app", BY_VARIABLES), events=events) as api:
        yield api


async def change(api: Api, **variables: str | None) -> None:
    changes = [{"name": name, "value": value} for name, value in variables.items()]
    response = await api.http.post(
        "/api/update_environment_variables", json={"changes": changes}, headers=admin_header()
    )
    assert response.status_code == 200, response.text


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_variable_that_is_not_set_is_told_with_the_remedy(api: Api, issuer: Issuer, told: Told):
    remedy = "LOGIN_DOMAIN, which is not set. Set it: reactor env set LOGIN_DOMAIN VALUE"
    response = await api.post("query", "who:me", headers=bearer(issuer.token()))
    assert remedy in refused(response, 401, "NoAuthProvider")
    assert [(kind, remedy in str(fields)) for kind, fields in told if kind.startswith("sign_in")] == [
        ("sign_in_failed", True)
    ]
    assert await api.value("query", "who:me") is None, "who shows no token is served"


async def test_a_change_of_a_variable_changes_the_providers_at_once(api: Api, issuer: Issuer, told: Told):
    await change(api, LOGIN_DOMAIN=issuer.url)
    assert await api.value("query", "who:me", headers=bearer(issuer.token())) == "ann"
    assert told[-1] == ("sign_in", {"providers": [f"OIDC {issuer.url} (applicationID 'app')"]})
    with Issuer(signing_key("second")) as other:
        await change(api, LOGIN_DOMAIN=other.url, LOGIN_CLIENT="another")
        assert await api.value("query", "who:me", headers=bearer(other.token("bob", aud="another"))) == "bob"
        refused(await api.post("query", "who:me", headers=bearer(issuer.token())), 401, "NoAuthProvider")
    await change(api, LOGIN_DOMAIN=None)
    response = await api.post("query", "who:me", headers=bearer(issuer.token()))
    assert "which is not set" in refused(response, 401, "NoAuthProvider")


async def test_variables_that_make_no_provider_are_told(api: Api, issuer: Issuer, told: Told):
    await change(api, LOGIN_DOMAIN="http://far.example")
    response = await api.post("query", "who:me", headers=bearer(issuer.token()))
    assert "functions/auth_config.py: providers(env)[0] has the domain" in refused(response, 401, "NoAuthProvider")
    assert told[-1][0] == "sign_in_failed"


async def test_other_commits_make_nothing_anew(api: Api, issuer: Issuer, tmp_path: Path):
    config = f"made = []\ndef providers(env):\n    made.append(1)\n    return [{issuer.provider}]\n"
    write(tmp_path / "app", config)
    await api.parts.reload()
    made = api.parts.application.modules["auth_config"].made
    assert len(made) == 1
    await api.value("query", "who:me")
    await api.post("function", "_system/environment:list", headers=admin_header())
    assert len(made) == 1
    await change(api, ANY="thing")
    assert len(made) == 2


async def test_production_does_not_tell_clients_of_variables(tmp_path: Path, issuer: Issuer):
    app = write(tmp_path / "app", BY_VARIABLES)
    async with open_api(tmp_path / "data", app, mode="production") as api:
        response = await api.post("query", "who:me", headers=bearer(issuer.token()))
        assert "LOGIN_DOMAIN" not in refused(response, 401, "NoAuthProvider")


async def test_a_reload_goes_from_one_way_to_the_other(api: Api, issuer: Issuer, tmp_path: Path):
    write(tmp_path / "app", f"providers = [{issuer.provider}]\n")
    await api.parts.reload()
    assert await api.value("query", "who:me", headers=bearer(issuer.token())) == "ann"
    write(tmp_path / "app", BY_VARIABLES)
    await api.parts.reload()
    refused(await api.post("query", "who:me", headers=bearer(issuer.token())), 401, "NoAuthProvider")
    await change(api, LOGIN_DOMAIN=issuer.url)
    assert await api.value("query", "who:me", headers=bearer(issuer.token())) == "ann"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("def providers(env):\n    return 5\n", "providers(env) must be a list"),
        ("def providers(env):\n    return env.nothing\n", "functions/auth_config.py:2: AttributeError"),
        ("def providers(env):\n    return [{'domain': env['A'] if 'A' in env else env.get('B')}]\n", "lacks 'domain'"),
    ],
)
async def test_what_goes_wrong_in_the_function_is_told(tmp_path: Path, issuer: Issuer, config: str, said: str):
    async with open_api(tmp_path / "data", write(tmp_path / "app", config)) as api:
        response = await api.post("query", "who:me", headers=bearer(issuer.token()))
        assert said in refused(response, 401, "NoAuthProvider")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("async def providers(env):\n    return []\n", "Make it a `def`"),
        ("def providers():\n    return []\n", "`def providers(env):`"),
    ],
)
async def test_what_cannot_be_called_is_refused_at_the_start(tmp_path: Path, config: str, said: str):
    with pytest.raises(LoadError) as caught:
        async with open_api(tmp_path / "data", write(tmp_path / "app", config)):
            pass
    assert said in str(caught.value)


async def test_what_is_shown_of_the_variables_has_no_values(api: Api, issuer: Issuer, tmp_path: Path):
    await change(api, SECRET="hush")
    write(tmp_path / "app", "def providers(env):\n    raise ValueError(f'{env}')\n")
    await api.parts.reload()
    message = refused(await api.post("query", "who:me", headers=bearer(issuer.token())), 401, "NoAuthProvider")
    assert "SECRET" in message
    assert "hush" not in message


def test_the_command_sets_them_also_before_the_first_start_and_while_it_serves(tmp_path: Path, issuer: Issuer):
    config = """
def providers(env):
    own = {"type": "customJwt", "issuer": env["CONVEX_SITE_URL"], "jwks": env["CONVEX_SITE_URL"] + "/keys",
           "algorithm": "ES256"}
    return [own, {"domain": env["LOGIN_DOMAIN"], "applicationID": env["LOGIN_CLIENT"]}]
"""
    app, data = write(tmp_path / "app", config), tmp_path / "data"

    def reactor(*arguments: str) -> None:
        command = [Path(sys.executable).with_name("reactor"), "env", "set", *arguments, "--data", data, "--dir", app]
        environment = {**os.environ, **CHOSEN.environment(data)}
        subprocess.run(command, check=True, capture_output=True, env=environment)

    reactor("LOGIN_DOMAIN", issuer.url)
    with Server(app, data, command="dev") as server:
        assert "LOGIN_CLIENT, which is not set" in server.log
        reactor("LOGIN_CLIENT", "app")
        answer = httpx.post(f"{server.url}/api/query", json={"path": "who:me"}, headers=bearer(issuer.token()))
        assert answer.json()["value"] == "ann"
        assert f"custom JWT {server.site} (any audience)" in server.log
