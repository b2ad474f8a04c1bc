"""Names for what generated Python declares: `Essay` for the table `essays`, `EssayStatus` for its field `status`."""

import re
from collections.abc import Iterable, Mapping

__all__ = ["class_name", "table_names"]

_ALIKE = frozenset({"series", "species", "news", "access", "status", "address", "analysis", "business"})
"""What looks like a plural and is none."""


def class_name(text: str) -> str:
    """The words of a name in any spelling, as the name of a class: `essayRequests` as `EssayRequests`."""
    words = re.split(r"[^A-Za-z0-9]+", text)
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if joined[:1].isalpha() else f"X{joined}"


def table_names(tables: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """The name of one document of each table: the singular where that is plain, else the table's name.

    No two tables get the same name, and none a reserved one.
    """
    plural = {table: class_name(table) for table in sorted(tables)}
    singular = {table: _singular(name) for table, name in plural.items()}
    chosen: dict[str, str] = {}
    for table, name in singular.items():
        alone = [*singular.values(), *plural.values()].count(name) == (2 if plural[table] == name else 1)
        chosen[table] = name if alone and name not in reserved else _free(plural[table], chosen, reserved)
    return chosen


def _free(name: str, chosen: Mapping[str, str], reserved: Iterable[str]) -> str:
    taken = {*chosen.values(), *reserved}
    while name in taken:
        name += "_"
    return name


def _singular(name: str) -> str:
    last = re.findall(r"[A-Z]?[a-z0-9]*", name)[-2:][0].lower()
    if last in _ALIKE or not last.endswith("s") or last.endswith(("ss", "us", "is")) or len(last) < 3:
        return name
    if last.endswith("ies") and len(last) > 4:
        return name[:-3] + "y"
    return name[:-2] if last.endswith(("sses", "shes", "ches", "xes", "zes")) else name[:-1]
