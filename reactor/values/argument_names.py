"""The object of all arguments, whose fields have two spellings: camelCase for clients, snake_case for Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .failures import Failure
from .kinds import Value
from .validator_kinds import Matcher, TableNames, Validator
from .validators import ObjectValidator

__all__ = ["ArgumentsValidator"]


class ArgumentsValidator(ObjectValidator):
    """The object of all arguments, where each field may also be sent under another spelling, but not under both."""

    __slots__ = ("aliases",)

    aliases: Mapping[str, str]
    """Further spellings, each with the field it stands for: `user_id` for `userId`."""

    def __init__(self, fields: Mapping[str, Validator], aliases: Mapping[str, str]) -> None:
        super().__init__(fields)
        self.aliases = aliases
        self.matches = _either_matcher(self.matches, aliases)

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        return super().explain(_renamed(value, self.aliases) if isinstance(value, dict) else value, tables, path)


def _either_matcher(matches: Matcher, aliases: Mapping[str, str]) -> Matcher:
    def matches_either(value: Value, tables: TableNames) -> bool:
        if matches(value, tables):
            return True
        return type(value) is dict and matches(_renamed(value, aliases), tables)

    return matches_either


def _renamed(value: Any, aliases: Mapping[str, str]) -> dict[Any, Value]:
    members = cast("dict[Any, Value]", value)
    if aliases.keys().isdisjoint(members):
        return members
    # Sent under both spellings, the second one stays and is reported as an extra field.
    return {name if aliases.get(name, name) in members else aliases[name]: member for name, member in members.items()}
