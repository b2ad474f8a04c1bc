"""Type hints as validators, and as recipes that turn a checked value into what the hint promises to a handler.

| hint | validator | the handler gets |
| --- | --- | --- |
| `str`, `bool`, `None`, `bytes`, `Int64`, `CommitTs`, `Any`, `object` | the kind of that name | the value |
| `float` | `v.number()` | the value: int or float |
| `int` | `v.number()` without fraction | an int, also when a client sent 20.0 |
| `Id["users"]` | `v.id("users")` | the value |
| `list[T]`, `Sequence[T]`; `dict[K, T]`, `Mapping[K, T]` | `v.array(T)`; `v.record(K, T)` | a list; a dict |
| `Literal[…]`, `A | B`, `Optional[T]` | `v.literal`, `v.union` | the value |
| TypedDict | `v.object`, with `NotRequired` fields optional | a dict |
| dataclass, msgspec.Struct | `v.object`, with defaulted fields optional | an instance |
| `Annotated[T, msgspec.Meta(…)]` | `T` with constraints | as `T` |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, LiteralString, NamedTuple, TypeAlias, Union, cast
from typing import get_args as hint_arguments
from typing import get_origin as hint_origin

from msgspec import Meta

from ..errors import LoadError
from .constraints import WHOLE, ConstrainedValidator, constrain, rules_of
from .hint_classes import class_fields, is_instance_class, is_typed_dict, struct_tag
from .kinds import UNSET, CommitTs, Int64, Value
from .validator_kinds import TableNames, Validator
from .validators import v

__all__ = ["Converter", "DocumentId", "Id", "Reading", "read_hint"]

Converter: TypeAlias = Callable[[Value, TableNames], Any]
"""Makes what a hint promises from a value that was checked."""


class IdOf(NamedTuple):
    """The mark by which `Id["users"]` is known inside Annotated."""

    table: str


if TYPE_CHECKING:
    # The one subscript with a string that a type checker does not take for a forward reference. So ids of two tables
    # are different types, both of them str, and overloads can tell what a table holds.
    from typing import Literal as Id

    from typing_extensions import TypeVar

    _Document = TypeVar("_Document", covariant=True)
    _Fields = TypeVar("_Fields", default=Any)
    _Changes = TypeVar("_Changes", default=Any)

    class DocumentId(str, Generic[_Document, _Fields, _Changes]):
        """An id of which a type checker knows the document, what is stored for one, and what `patch` takes.

        Generated types have a class of this kind for each table. `DocumentId[D]` is the hint of a helper for documents
        of several tables, with D as a TypeVar. At run time ids are plain str, and this is no hint of an argument that
        clients send: there it says no more than str.
        """
else:

    class DocumentId:
        """See above: what a type checker knows of an id."""

        def __class_getitem__(cls, _document: Any) -> Any:
            return str

    class Id:
        """`Id["users"]`: the hint for ids of a table's documents. At run time ids are plain str."""

        def __class_getitem__(cls, table: str) -> Any:
            if not isinstance(table, str):
                raise LoadError(f'Id takes the name of a table, as in Id["users"], not {table!r:.80}')
            return Annotated[str, IdOf(table)]


class Reading(NamedTuple):
    """What a hint says: its validator, how to convert (None: keep the value), and whether instances occur in it."""

    validator: Validator
    convert: Converter | None = None
    instances: bool = False


def _whole(value: Value, _tables: TableNames) -> int:
    return value if type(value) is int else int(value)


_INTEGER = Reading(ConstrainedValidator(v.number(), [WHOLE]), _whole)
_ANY = Reading(v.any())

# Pairs and not a dict, since a hint need not be hashable.
_PLAIN: tuple[tuple[Any, Reading], ...] = (
    (str, Reading(v.string())),
    (LiteralString, Reading(v.string())),
    (float, Reading(v.number())),
    (int, _INTEGER),
    (bool, Reading(v.boolean())),
    (bytes, Reading(v.bytes())),
    (Int64, Reading(v.int64())),
    (CommitTs, Reading(v.commit_ts())),
    (None, Reading(v.null())),
    (NoneType, Reading(v.null())),
    (Any, _ANY),
    (object, _ANY),
    (list, Reading(v.array(v.any()))),
    (dict, Reading(v.record(v.string(), v.any()))),
)

_REMEDIES = {
    "datetime": "float (milliseconds since 1970) or str (ISO format)",
    "date": "str (ISO format)",
    "time": "str (ISO format)",
    "timedelta": "float (seconds)",
    "tuple": "list",
    "set": "list",
    "frozenset": "list",
    "bytearray": "bytes",
    "memoryview": "bytes",
    "Decimal": "str or float",
    "UUID": "str",
    "complex": "list[float]",
    "Id": 'Id["users"], with the name of the table',
}


def read_hint(hint: Any, where: str, *, enclosing: tuple[Any, ...] = ()) -> Reading:
    """The reading of a hint. `where` names it in errors ("parameter `limit` of `list`").

    `enclosing` are the classes whose fields are being read. Raises LoadError for a hint that describes no values.
    """
    for known, reading in _PLAIN:
        if hint is known:
            return reading
    if is_typed_dict(hint) or is_instance_class(hint):
        return _read_class(hint, where, enclosing)
    if is_typed_dict(hint_origin(hint)):
        return _read_class(hint_origin(hint), where, enclosing, hint_arguments(hint))
    # A NewType and a `type` statement stand for another hint.
    meant = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)
    if meant is not None:
        return read_hint(meant, where, enclosing=enclosing)
    read = _READERS.get(hint_origin(hint))
    if read is None:
        raise _unsupported(hint, where)
    return read(hint, where, enclosing)


def _unsupported(hint: Any, where: str) -> LoadError:
    name = getattr(hint_origin(hint) or hint, "__name__", "")
    written = hint.__qualname__ if isinstance(hint, type) and hint_origin(hint) is None else repr(hint)
    remedy = _REMEDIES.get(name)
    if remedy is None and hasattr(hint, "__members__"):
        remedy = "Literal[…] with the values of its members"
    instead = remedy or "Any, a hint that values have, or declare the validator with v.* instead of hints"
    return LoadError(f"{where}: the hint `{written}` describes no kind of value: use {instead}")


def _read_annotated(hint: Any, where: str, enclosing: tuple[Any, ...]) -> Reading:
    inner, *marks = hint_arguments(hint)
    for mark in marks:
        if isinstance(mark, IdOf):
            return Reading(v.id(mark.table))
    reading = read_hint(inner, where, enclosing=enclosing)
    try:
        rules = [rule for mark in marks if isinstance(mark, Meta) for rule in rules_of(mark)]
        return reading._replace(validator=constrain(reading.validator, rules)) if rules else reading
    except LoadError as error:
        raise LoadError(f"{where}: {error}") from None


def _read_literal(hint: Any, where: str, _enclosing: tuple[Any, ...]) -> Reading:
    members = [_literal(literal, hint, where) for literal in hint_arguments(hint)]
    return Reading(members[0] if len(members) == 1 else v.union(*members))


def _literal(literal: Any, hint: Any, where: str) -> Validator:
    if literal is None:
        return v.null()
    if type(literal) not in (str, int, bool):
        raise LoadError(f"{where}: the hint `{hint!r}` has a member that is no str, int, bool or None: write its value")
    return v.literal(literal)


def _read_union(hint: Any, where: str, enclosing: tuple[Any, ...]) -> Reading:
    hints = hint_arguments(hint)
    # Numbers are one line: where fractions are fine, `int` adds nothing.
    readings = [
        read_hint(member, where, enclosing=enclosing) for member in hints if not (member is int and float in hints)
    ]
    validator = readings[0].validator if len(readings) == 1 else v.union(*(reading.validator for reading in readings))
    return Reading(validator, _choice(readings), any(reading.instances for reading in readings))


def _choice(readings: list[Reading]) -> Converter | None:
    if all(reading.convert is None for reading in readings):
        return None

    def convert(value: Value, tables: TableNames) -> Any:
        for reading in readings:
            if reading.validator.accepts(value, tables):
                return value if reading.convert is None else reading.convert(value, tables)
        return value

    return convert


def _read_list(hint: Any, where: str, enclosing: tuple[Any, ...]) -> Reading:
    element = read_hint((hint_arguments(hint) or (Any,))[0], f"an element in {where}", enclosing=enclosing)
    return Reading(v.array(element.validator), _each_element(element.convert), element.instances)


def _each_element(convert: Converter | None) -> Converter | None:
    return convert and (lambda value, tables: [convert(element, tables) for element in value])


def _read_dict(hint: Any, where: str, enclosing: tuple[Any, ...]) -> Reading:
    key_hint, member_hint = hint_arguments(hint) or (str, Any)
    key = read_hint(key_hint, f"a key in {where}", enclosing=enclosing)
    member = read_hint(member_hint, f"a member in {where}", enclosing=enclosing)
    try:
        validator = v.record(key.validator, member.validator)
    except LoadError as error:
        raise LoadError(f"{where}: {error}") from None
    return Reading(validator, _each_member(member.convert), member.instances)


def _each_member(convert: Converter | None) -> Converter | None:
    return convert and (lambda value, tables: {name: convert(member, tables) for name, member in value.items()})


_READERS: dict[Any, Callable[[Any, str, tuple[Any, ...]], Reading]] = {
    Annotated: _read_annotated,
    Literal: _read_literal,
    Union: _read_union,
    UnionType: _read_union,
    list: _read_list,
    Sequence: _read_list,
    dict: _read_dict,
    Mapping: _read_dict,
}


def _read_class(cls: Any, where: str, enclosing: tuple[Any, ...], arguments: tuple[Any, ...] = ()) -> Reading:
    if cls in enclosing:
        raise LoadError(
            f"{where}: {cls.__qualname__} contains itself, which no validator can say: use Any inside of it"
        )
    fields = class_fields(cls, where, arguments)
    readings = {
        field.attribute: read_hint(
            field.hint, f"field `{field.name}` of {cls.__qualname__} in {where}", enclosing=(*enclosing, cls)
        )
        for field in fields
    }
    declared: dict[str, Validator] = {
        field.name: v.optional(reading.validator) if field.optional else reading.validator
        for field, reading in zip(fields, readings.values(), strict=True)
    }
    tag = struct_tag(cls)
    if tag is not None:
        declared[tag[0]] = v.literal(tag[1])
    instances = is_instance_class(cls)
    converters = [(field.name, field.attribute, readings[field.attribute].convert) for field in fields]
    convert = _build(cls, converters) if instances else _rewrite(converters)
    validator = _object(declared, f"{cls.__qualname__} in {where}")
    return Reading(validator, convert, instances or any(reading.instances for reading in readings.values()))


def _object(fields: dict[str, Validator], where: str) -> Validator:
    try:
        return v.object(fields)
    except LoadError as error:
        raise LoadError(f"{where}: {error}") from None


def _build(cls: Any, converters: list[tuple[str, str, Converter | None]]) -> Converter:
    def convert(value: Value, tables: TableNames) -> Any:
        members: dict[str, Any] = {}
        for name, attribute, convert_member in converters:
            member = value.get(name, UNSET)
            if member is not UNSET:
                members[attribute] = member if convert_member is None else convert_member(member, tables)
        return cls(**members)

    return convert


def _rewrite(converters: list[tuple[str, str, Converter | None]]) -> Converter | None:
    """Converts some members of a TypedDict; in a copy, since equal arguments may be shared between calls."""
    changing = [(name, convert) for name, _attribute, convert in converters if convert is not None]
    if not changing:
        return None

    def convert(value: Value, tables: TableNames) -> dict[str, Any]:
        members = cast("dict[str, Any]", dict(value))
        for name, convert_member in changing:
            if members.get(name, UNSET) is not UNSET:
                members[name] = convert_member(members[name], tables)
        return members

    return convert
