"""The fields of classes that describe objects: TypedDict, dataclass and msgspec.Struct."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING
from types import UnionType
from typing import Any, NamedTuple, NotRequired, Required, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from ..errors import LoadError
from .kinds import UNSET, UnsetType

__all__ = [
    "ClassField",
    "class_fields",
    "is_instance_class",
    "is_typed_dict",
    "struct_tag",
    "to_plain",
    "without_unset",
]


class ClassField(NamedTuple):
    """One field: its name inside values, its name as attribute, its hint, and whether it may be missing."""

    name: str
    attribute: str
    hint: Any
    optional: bool


def is_typed_dict(hint: Any) -> bool:
    """Whether `hint` is a TypedDict class, from typing or from typing_extensions."""
    return isinstance(hint, type) and hasattr(hint, "__required_keys__") and hasattr(hint, "__total__")


def is_instance_class(hint: Any) -> bool:
    """Whether `hint` is a dataclass or Struct, so that handlers expect instances of it."""
    return isinstance(hint, type) and (dataclasses.is_dataclass(hint) or issubclass(hint, msgspec.Struct))


def class_fields(cls: Any, where: str, arguments: tuple[Any, ...] = ()) -> list[ClassField]:
    """The fields of a class of these three sorts; raises LoadError for a class that cannot describe an object.

    `arguments` are those of a generic TypedDict, `Page[Essay]`; without them its parameters stand for anything.
    """
    try:
        if is_typed_dict(cls):
            return list(_typed_dict_fields(cls, arguments))
        return list(_struct_fields(cls) if _is_struct(cls) else _dataclass_fields(cls))
    except NameError as error:
        raise LoadError(
            f"{where}: a hint in {cls.__qualname__} cannot be resolved ({error}): "
            "import the name at the top of the module, not under TYPE_CHECKING or inside a function"
        ) from None
    except LoadError as error:
        raise LoadError(f"{where}: {error}") from None


def struct_tag(cls: Any) -> tuple[str, str | int] | None:
    """The name and value of a Struct's tag field; None for untagged Structs and other classes."""
    config = cls.__struct_config__ if _is_struct(cls) else None
    return None if config is None or config.tag is None else (config.tag_field, config.tag)


def _is_struct(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, msgspec.Struct)


def _typed_dict_fields(cls: Any, arguments: tuple[Any, ...]) -> Iterator[ClassField]:
    parameters = getattr(cls, "__parameters__", ())
    chosen = dict(zip(parameters, arguments or [Any] * len(parameters), strict=False))
    for name, declared in get_type_hints(cls, include_extras=True).items():
        hint, marks = _unmarked(declared)
        hint = without_unset(_filled(hint, chosen))
        # With string annotations the class itself does not see the marks, so they are asked first.
        optional = NotRequired in marks or (Required not in marks and name not in cls.__required_keys__)
        yield ClassField(name, name, hint, optional)


def _filled(hint: Any, chosen: Mapping[Any, Any]) -> Any:
    """The hint of a field with the arguments of its class in place of the parameters."""
    parameters = getattr(hint, "__parameters__", ())
    if not chosen or not (parameters or isinstance(hint, TypeVar)):
        return hint
    return chosen[hint] if isinstance(hint, TypeVar) else hint[tuple(chosen[each] for each in parameters)]


def _unmarked(hint: Any) -> tuple[Any, set[Any]]:
    """The hint without Required, NotRequired and ReadOnly around it, and which of them there were."""
    marks: set[Any] = set()
    while (origin := get_origin(hint)) in (Required, NotRequired) or getattr(origin, "_name", None) == "ReadOnly":
        marks.add(origin)
        hint = get_args(hint)[0]
    return hint, marks


def _struct_fields(cls: Any) -> Iterator[ClassField]:
    if cls.__struct_config__.array_like:
        raise LoadError(f"{cls.__qualname__} is declared array_like, but values have no tuples: leave that out")
    for field in msgspec.structs.fields(cls):
        yield ClassField(field.encode_name, field.name, without_unset(field.type), not field.required)


def without_unset(hint: Any) -> Any:
    """`T | UnsetType` as `T`: a field that may be UNSET is one that may be missing."""
    if get_origin(hint) not in (Union, UnionType) or UnsetType not in get_args(hint):
        return hint
    return Union[tuple(member for member in get_args(hint) if member is not UnsetType)]  # noqa: UP007 - members vary


def _dataclass_fields(cls: Any) -> Iterator[ClassField]:
    hints = get_type_hints(cls, include_extras=True)
    if any(isinstance(hint, dataclasses.InitVar) for hint in hints.values()):
        raise LoadError(f"{cls.__qualname__} has an InitVar, which no stored value can give: make it an ordinary field")
    for field in dataclasses.fields(cls):
        if field.init:
            optional = field.default is not MISSING or field.default_factory is not MISSING
            yield ClassField(field.name, field.name, hints[field.name], optional)


def to_plain(value: object) -> Any:
    """A result with every dataclass and Struct instance in it as a dict; anything else as it is.

    Fields that are UNSET are left out, a Struct's `rename` and `tag` are honoured.
    """
    kind = type(value)
    if kind is list or kind is tuple:
        return [to_plain(element) for element in cast("list[Any]", value)]
    if kind is dict:
        return {name: to_plain(member) for name, member in cast("dict[str, Any]", value).items()}
    if not is_instance_class(kind):
        return value
    tag = struct_tag(kind)
    plain: dict[str, Any] = {} if tag is None else {tag[0]: tag[1]}
    for name, attribute in _names(kind):
        member = getattr(value, attribute)
        if member is not UNSET:
            plain[name] = to_plain(member)
    return plain


def _names(cls: Any) -> Iterable[tuple[str, str]]:
    if _is_struct(cls):
        return zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True)
    return ((field.name, field.name) for field in dataclasses.fields(cls) if field.init)
