"""Validators as type hints. Objects and sets of literals get names, which are collected to be declared once."""

import json
import keyword
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reactor.codegen.python_names import class_name
from reactor.values.constraints import WHOLE
from reactor.values.kinds import Int64
from reactor.values.validators import (
    AnyValidator,
    ArrayValidator,
    ConstrainedValidator,
    IdValidator,
    LiteralValidator,
    ObjectValidator,
    OptionalValidator,
    RecordValidator,
    UnionValidator,
    Validator,
)

__all__ = ["Declarations", "literal", "member_names", "path_hint", "typed_dict"]

_PLAIN = {
    "any": "Any",
    "null": "None",
    "number": "float",
    "bigint": "Int64",
    "commitTs": "CommitTs",
    "boolean": "bool",
    "string": "str",
    "bytes": "bytes",
}


class Declarations:
    """Hints for validators, and the text that declares the names in them, in an order in which they can be read.

    `ids` are the names of the ids' types by table, `taken` are names that mean something else already.
    """

    def __init__(self, ids: Mapping[str, str], taken: Iterable[str]) -> None:
        self._ids = ids
        self._names: dict[str, Any] = dict.fromkeys(taken)
        self.texts: list[str] = []

    def hint(self, validator: Validator, name: str) -> str:
        """The hint for a value; `name` is what it is called if it needs a name."""
        if isinstance(validator, ConstrainedValidator):
            whole = validator.kind == "number" and WHOLE in validator.rules
            return "int" if whole else self.hint(validator.inner, name)
        if isinstance(validator, OptionalValidator):
            return self.hint(validator.inner, name)
        if isinstance(validator, ObjectValidator):
            return self._object(validator, name)
        if isinstance(validator, UnionValidator):
            return self._union(validator, name)
        if isinstance(validator, ArrayValidator):
            return f"list[{self.hint(validator.element, name)}]"
        if isinstance(validator, RecordValidator):
            return f"dict[{self.hint(validator.key, name)}, {self.hint(validator.value, name)}]"
        if isinstance(validator, IdValidator):
            return self._ids.get(validator.table, "str")
        return literal(validator.literal) if isinstance(validator, LiteralValidator) else _PLAIN[validator.kind]

    def fields(self, validator: ObjectValidator, name: str) -> dict[str, str]:
        """The hints of an object's fields by their names, with NotRequired where they may be missing."""
        hints: dict[str, str] = {}
        for field, each in validator.fields.items():
            hint = self.hint(each, name + class_name(field))
            hints[field] = f"NotRequired[{hint}]" if isinstance(each, OptionalValidator) else hint
        return hints

    def _object(self, validator: ObjectValidator, name: str) -> str:
        name, new = self._claim(name, validator)
        if new:
            self.texts.append(typed_dict(name, self.fields(validator, name)))
        return name

    def _union(self, validator: UnionValidator, name: str) -> str:
        members = list(validator.members)
        if len(members) > 1 and all(isinstance(each, LiteralValidator) for each in members):
            name, new = self._claim(name, validator)
            if new:
                self.texts.append(f"{name}: TypeAlias = {self._either(members, [])}\n")
            return name
        return self._either(members, member_names(members, name))

    def _either(self, members: Sequence[Validator], names: Sequence[str]) -> str:
        literals: list[str] = []
        others: list[str] = []
        for each, name in zip(members, names or [""] * len(members), strict=True):
            hint = self.hint(each, name)
            alone = isinstance(each, LiteralValidator) and hint.startswith("Literal[")
            (literals if alone else others).append(hint[len("Literal[") : -1] if alone else hint)
        joined = [f"Literal[{', '.join(dict.fromkeys(literals))}]"] if literals else []
        return "Any" if "Any" in others else " | ".join(dict.fromkeys(joined + others)) or "Never"

    def _claim(self, name: str, validator: Validator) -> tuple[str, bool]:
        """A name for this and nothing else, and whether it is a new one."""
        wanted, number, form = name, 1, validator.to_json()
        while wanted in self._names:
            if self._names[wanted] == form:
                return wanted, False
            number += 1
            wanted = f"{name}{number}"
        self._names[wanted] = form
        return wanted, True


def member_names(members: Sequence[Validator], name: str) -> list[str]:
    """Names for the members of a union: by the literal that tells its objects apart, otherwise by their numbers."""
    objects = [each for each in members if isinstance(each, ObjectValidator)]
    if len(objects) < 2:
        return [name] * len(members)
    tags = _tags(objects)
    found = {id(each): name + class_name(tag) for each, tag in zip(objects, tags, strict=True)} if tags else {}
    return [found.get(id(each), f"{name}{number}") for number, each in enumerate(members, 1)]


def _tags(objects: Sequence[ObjectValidator]) -> list[str]:
    for field in objects[0].fields:
        literals = [each.fields.get(field) for each in objects]
        texts = [each.literal for each in literals if isinstance(each, LiteralValidator)]
        tags = [text for text in texts if isinstance(text, str) and class_name(text) != "X"]
        if len({class_name(tag) for tag in tags}) == len(objects):
            return tags
    return []


def literal(value: object) -> str:
    """The hint for exactly this value, as near as there is one."""
    if isinstance(value, Int64):
        return "Int64"
    if isinstance(value, float):
        # As hints go there are no fractions among literals.
        return f"Literal[{int(value)}]" if value.is_integer() else "float"
    return f"Literal[{json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)}]"


def typed_dict(name: str, fields: Mapping[str, str], *, base: str = "", total: bool = True, about: str = "") -> str:
    """The declaration of a TypedDict. `base` is one that it extends, by fields that a class can have as names."""
    options = "" if total else ", total=False"
    if not all(field.isidentifier() and not keyword.iskeyword(field) and field[:2] != "__" for field in fields):
        members = "".join(f"        {json.dumps(field)}: {hint},\n" for field, hint in fields.items())
        return f'{name} = TypedDict(\n    "{name}",\n    {{\n{members}    }},{options and " total=False,"}\n)\n'
    members = "".join(f"    {field}: {hint}\n" for field, hint in fields.items())
    text = f'    """{about}"""\n\n' if about else ""
    return f"class {name}({base or 'TypedDict'}{options}):\n{text}{members}" + ("" if text or members else "    pass\n")


def path_hint(validator: Validator, path: Sequence[str], declared: Declarations, name: str) -> str:
    """The hint for what `eq` may ask of a field of an index; UnsetType is among it where the field may be missing."""
    hints = list(dict.fromkeys(_at(validator, path, declared, name)))
    return "Any" if "Any" in hints else " | ".join(hints) or "UnsetType"


def _at(validator: Validator, path: Sequence[str], declared: Declarations, name: str) -> Iterable[str]:
    if isinstance(validator, OptionalValidator):
        yield from _at(validator.inner, path, declared, name)
        yield "UnsetType"
    elif not path:
        yield declared.hint(validator, name)
    elif isinstance(validator, ConstrainedValidator):
        yield from _at(validator.inner, path, declared, name)
    elif isinstance(validator, UnionValidator):
        for member, called in zip(validator.members, member_names(validator.members, name), strict=True):
            yield from _at(member, path, declared, called)
    elif isinstance(validator, ObjectValidator) and path[0] in validator.fields:
        yield from _at(validator.fields[path[0]], path[1:], declared, name + class_name(path[0]))
    elif isinstance(validator, RecordValidator):
        yield from _at(validator.value, path[1:], declared, name)
        yield "UnsetType"
    else:
        yield "Any" if isinstance(validator, AnyValidator) else "UnsetType"
