"""Which providers a deployment has: those of the setting, else those of `functions/auth_config.py`.

That module declares a list, or a function that makes one of the deployment's environment variables:

    def providers(env):
        return [{"domain": env["LOGIN_DOMAIN"], "applicationID": env["LOGIN_CLIENT_ID"]}]

Convex's auth.config reads them the same way, as `process.env` (get-convex/convex-backend, crates/model/src/auth).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from reactor.auth.providers import Provider, parse_providers
from reactor.errors import LoadError, SettingsError
from reactor.runtime.load_errors import explain
from reactor.runtime.loader import AUTH_CONFIG, Application

__all__ = ["ByVariables", "Declared", "declared_providers"]

_OFFICIAL_NAMES = ("auth.config.py", "auth.config.ts", "auth.config.js")
_MODULE = f"functions/{AUTH_CONFIG}.py"


class ByVariables:
    """Providers that follow from the deployment's environment variables."""

    def __init__(self, make: Callable[[Mapping[str, str]], object], directory: Path) -> None:
        """Raises LoadError for what cannot be called with the variables and give a list at once."""
        if inspect.iscoroutinefunction(make):
            raise LoadError(f"{_MODULE}: `providers` is an `async def`. Make it a `def`: it has nothing to wait for.")
        try:
            inspect.signature(make).bind({})
        except TypeError:
            raise LoadError(f"{_MODULE}: `providers` gets the environment variables: `def providers(env):`.") from None
        self._make, self._directory = make, directory

    def read(self, variables: Mapping[str, str]) -> tuple[Provider, ...]:
        """The providers under these variables. Raises LoadError, for a variable that is not set with its name."""
        try:
            made = self._make(_Variables(variables))
        except _NotSet as missing:
            name = missing.args[0]
            raise LoadError(
                f"{_MODULE} reads the environment variable {name}, which is not set. "
                f"Set it: reactor env set {name} VALUE"
            ) from None
        except Exception as error:
            raise explain(error, self._directory) from error
        return parse_providers(made, f"{_MODULE}: providers(env)")


Declared = tuple[Provider, ...] | ByVariables


def declared_providers(application: Application, setting: Sequence[dict[str, Any]] | None) -> Declared:
    """The providers of a deployment. `setting`: those of `auth_providers`, None when it is not set.

    Raises LoadError for a wrong `functions/auth_config.py`, SettingsError for a wrong setting; each names the entry
    and the field.
    """
    if setting is not None:
        try:
            return parse_providers(list(setting), "auth_providers")
        except LoadError as error:
            raise SettingsError(str(error)) from None
    module = application.modules.get(AUTH_CONFIG)
    if module is None:
        _refuse_other_names(application)
        return ()
    declared = getattr(module, "providers", None)
    if declared is None:
        raise LoadError(f'{_MODULE} declares no providers. Write `providers = [{{"domain": …}}]` in it.')
    if callable(declared):
        return ByVariables(cast("Callable[[Mapping[str, str]], object]", declared), application.directory)
    return parse_providers(declared, f"{_MODULE}: providers")


class _NotSet(KeyError):
    """A variable that was asked for and is not there. A KeyError, so that `env.get` and `in` do what they do."""


class _Variables(Mapping[str, str]):
    """What the module sees. Its text shows names alone, since it may end in a log."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        try:
            return self._variables[name]
        except KeyError:
            raise _NotSet(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return f"<environment with {', '.join(self)}>"


def _refuse_other_names(application: Application) -> None:
    """A file that looks like the configuration and is not read would leave everybody wondering."""
    for name in _OFFICIAL_NAMES:
        if (application.directory / "functions" / name).is_file():
            raise LoadError(f"functions/{name} is not read: providers stand in {_MODULE}, in Python.")
