"""Every setting of a server, with unit, default and reason, and where it is read from."""

from reactor.settings.kinds import Secret
from reactor.settings.sources import load_settings, parse_assignments
from reactor.settings.table import LogLevel, Mode, Setting, Settings, WebSocketKind, settings_table

__all__ = [
    "LogLevel",
    "Mode",
    "Secret",
    "Setting",
    "Settings",
    "WebSocketKind",
    "load_settings",
    "parse_assignments",
    "settings_table",
]
