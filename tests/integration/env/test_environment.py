"""Environment variables in functions: read by name, tracked, the same for all kinds."""

import pytest

from reactor.errors import DeveloperError
from reactor.testing import Backend
from tests.support.server import APPS

APP = APPS / "variables"


async def test_functions_of_all_kinds_read_them():
    async with Backend(APP, env={"GREETING": "hello"}) as backend:
        for path in ("vars:one", "vars:outside", "vars:inAThread"):
            call = backend.query if path == "vars:one" else backend.action
            assert await call(path, name="GREETING") == "hello"
            assert await call(path, name="OTHER") is None
        assert await backend.mutation("vars:keep", name="GREETING") == "hello"
        assert await backend.query("vars:names") == ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL", "GREETING"]
        with pytest.raises(Exception, match="OTHER"):
            await backend.mutation("vars:keep", name="OTHER")


async def test_built_in_ones_are_there():
    async with Backend(APP) as backend:
        assert (await backend.query("vars:one", name="CONVEX_CLOUD_URL")).startswith("http://")
        assert (await backend.action("vars:outside", name="CONVEX_SITE_URL")).startswith("http://")


async def test_a_change_runs_those_queries_again_that_read_it():
    async with (
        Backend(APP, env={"A": "1", "B": "2"}) as backend,
        backend.subscribe("vars:one", name="A") as reads_a,
        backend.subscribe("vars:has", name="C") as reads_c,
        backend.subscribe("vars:names") as names,
    ):
        assert (await reads_a.next(), await reads_c.next()) == ("1", False)
        await names.next()
        await backend.set_env(B="3")
        await backend.set_env(A="4")
        assert await reads_a.next() == "4"
        assert (reads_a.runs, reads_c.runs) == (2, 1)
        await backend.set_env(C="here")
        assert await reads_c.next() is True
        assert "C" in await names.next()
        await backend.set_env(A=None)
        assert await reads_a.next() is None
        assert "A" not in await names.next()


async def test_functions_cannot_list_the_documents():
    async with Backend(APP, env={"SECRET": "x"}) as backend:
        with pytest.raises(DeveloperError):
            await backend.as_client().query("_system/environment:list")


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"": "x"}, "EnvironmentVariableNameInvalid"),
        ({"1A": "x"}, "EnvironmentVariableNameInvalid"),
        ({"A-B": "x"}, "EnvironmentVariableNameInvalid"),
        ({"A" * 257: "x"}, "EnvironmentVariableNameTooLong"),
        ({"CONVEX_CLOUD_URL": "x"}, "EnvironmentVariableNameForbidden"),
        ({"A": "x" * 8193}, "EnvironmentVariableValueTooLarge"),
        ({f"N{number}": "x" for number in range(513)}, "EnvVarLimitMet"),
        ({f"N{number}": "x" * 8000 for number in range(70)}, "EnvVarTotalSizeLimitMet"),
    ],
)
async def test_what_cannot_be_one_changes_nothing(variables: dict[str, str], code: str):
    async with Backend(APP, env={"KEPT": "1"}) as backend:
        with pytest.raises(DeveloperError) as caught:
            await backend.set_env(GOOD="1", **variables)
        assert caught.value.code == code
        assert await backend.query("vars:names") == ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL", "KEPT"]


async def test_the_limits_can_be_reached():
    async with Backend(APP) as backend:
        await backend.set_env(**{"A" * 256: "x" * 8192})
        await backend.set_env(**{f"N{number}": "x" for number in range(511)})
        assert len(await backend.query("vars:names")) == 514
        await backend.set_env(N0=None, NEW="1")
