"""Which providers a deployment has: those of the setting, else those of `functions/auth_config.py`."""

from collections.abc import Sequence
from typing import Any

from reactor.auth.providers import Provider, parse_providers
from reactor.errors import LoadError, SettingsError
from reactor.runtime.loader import AUTH_CONFIG, Application

__all__ = ["configured_providers"]

_OFFICIAL_NAMES = ("auth.config.py", "auth.config.ts", "auth.config.js")


def configured_providers(application: Application, setting: Sequence[dict[str, Any]] | None) -> tuple[Provider, ...]:
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
        raise LoadError('functions/auth_config.py declares no providers. Write `providers = [{"domain": …}]` in it.')
    return parse_providers(declared, "functions/auth_config.py: providers")


def _refuse_other_names(application: Application) -> None:
    """A file that looks like the configuration and is not read would leave everybody wondering."""
    for name in _OFFICIAL_NAMES:
        if (application.directory / "functions" / name).is_file():
            raise LoadError(f"functions/{name} is not read: providers stand in functions/auth_config.py, in Python.")
