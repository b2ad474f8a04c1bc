"""What functions are refused: fields, tables and ranges that cannot be, and documents that do not fit their table."""

from __future__ import annotations

from typing import Any

from reactor.values import COMMIT_TS, UNSET, Int64, same
from tests.integration.programs.documents import Scan, State, developer, indexes_of

__all__ = [
    "SYSTEM_FIELDS",
    "fits",
    "refuse_chosen_system_fields",
    "refuse_other_system_fields",
    "refuse_other_table",
    "refuse_range",
    "refuse_system_table",
    "refuse_underscores",
]

SYSTEM_FIELDS = ("_id", "_creationTime")
_CODES = (("_id", "InvalidIdError"), ("_creationTime", "InvalidCreationTimeError"))


def fits(table: str, document: dict[str, Any], state: State) -> bool:
    """Whether the schema allows the document."""
    own = {name: value for name, value in document.items() if name not in SYSTEM_FIELDS}
    if table == "owners":
        return _fits_owner(own)
    return table != "things" or _fits_thing(own, state)


def refuse_chosen_system_fields(fields: dict[str, Any]) -> None:
    """The system gives id and creation time."""
    for name, code in _CODES:
        if name in fields:
            raise developer(code, f"has `{name}`; the system gives it")


def refuse_system_table(table: str) -> None:
    if table.startswith("_"):
        raise developer("SystemTable", "System tables (prefixed with `_`) are read-only")


def refuse_other_table(named: str, table: str | None) -> None:
    if named != table:
        got = "another table" if table is None else f'Id<"{table}">'
        raise developer("InvalidTable", f'expected to be an Id<"{named}">, got {got} instead')


def refuse_underscores(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name.startswith("_") and name not in SYSTEM_FIELDS and value is not UNSET:
            raise developer("InvalidDocumentError", f'"{name}"', "only allowed for system fields like '_id'")


def refuse_other_system_fields(fields: dict[str, Any], old: dict[str, Any]) -> None:
    for name, code in _CODES:
        if name in fields and fields[name] is not UNSET and not same(fields[name], old[name]):
            raise developer(code, f"`{name}` of a document never changes")


def refuse_range(scan: Scan) -> None:
    """Equalities on the first fields of the index, then bounds on the next: one below and one above."""
    fields = indexes_of(scan.table).get(scan.index)
    if fields is None:
        raise developer("IndexNotFound", f"Index {scan.table}.{scan.index} not found")
    fields, fixed, sides = (*fields, "_creationTime"), list[str](), dict[str, str]()
    for comparison, field, _ in scan.bounds:
        if field not in fields:
            raise developer("InvalidIndexRange", f"has no field `{field}`")
        side = {"eq": "equality", "g": "lower", "l": "upper"}[comparison if comparison == "eq" else comparison[0]]
        if side in sides or (field in fixed and side == "equality"):
            raise developer("AlreadyDefinedBound", f"Already defined {side} bound")
        if side == "equality":
            fixed.append(field)
        else:
            sides[side] = field
    _refuse_gaps(fields, fixed, [sides[side] for side in ("lower", "upper") if side in sides])


def _refuse_gaps(fields: tuple[str, ...], fixed: list[str], bounded: list[str]) -> None:
    if set(fields[: len(fixed)]) != set(fixed):
        raise developer("InvalidIndexRange", "didn't use the index fields in order")
    for field in bounded:
        if field in fixed:
            raise developer("AlreadyDefinedBound", "Already defined equality bound")
        if field != fields[len(fixed)]:
            if len(set(bounded)) > 1:
                raise developer("BoundsOnMultipleFields", "can only be applied to a single index field")
            raise developer("InvalidIndexRange", "didn't use the index fields in order")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool | Int64)


def _fits_owner(fields: dict[str, Any]) -> bool:
    level = fields.get("level")
    return (
        fields.keys() <= {"name", "level"}
        and isinstance(fields.get("name"), str)
        and (level is None or level == "high" or _is_number(level))
    )


def _fits_thing(fields: dict[str, Any], state: State) -> bool:
    size, owner, at = fields.get("size"), fields.get("owner", UNSET), fields.get("at", UNSET)
    home = state.table_of(owner) if isinstance(owner, str) and owner in state.homes else None
    return (
        fields.keys() <= {"kind", "size", "place", "owner", "at"}
        and isinstance(fields.get("kind"), str)
        and (size is None or isinstance(size, Int64) or _is_number(size))
        and _fits_place(fields.get("place", UNSET))
        and (owner is UNSET or home == "owners")
        and (at is UNSET or at is COMMIT_TS or isinstance(at, Int64))
    )


def _fits_place(place: Any) -> bool:
    if place is UNSET:
        return True
    if not isinstance(place, dict) or not place.keys() <= {"row", "tag"}:
        return False
    return _is_number(place.get("row")) and isinstance(place.get("tag", ""), str)
