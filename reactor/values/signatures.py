"""The signature of a handler: what it takes, what it returns, and how arguments from the wire reach its parameters.

Identifiers are translated, data never. A parameter `user_id` is called `userId` on the wire: that spelling stands in
the validator, in error texts, in generated types and in the function spec. `user_id` is accepted as well, so Python
callers may write what they read. With `args=` the declared spelling is the one on the wire, and the other is accepted.
Keys inside of values, and fields of dataclasses, are data and stay as written.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias, get_type_hints

from ..errors import LoadError
from .argument_names import ArgumentsValidator
from .hint_classes import to_plain, without_unset
from .hint_kinds import Converter, Reading, read_hint
from .identifiers import camel_case
from .kinds import UNSET, Value
from .validator_kinds import TableNames, Validator
from .validators import ObjectValidator, OptionalValidator, v

__all__ = ["Binder", "Signature", "read_signature"]

Binder: TypeAlias = Callable[[dict[str, Value], TableNames], dict[str, Any]]
"""Turns checked arguments into the keywords of a handler."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_UNHINTED = (inspect.Parameter.empty, Any, object, "Any", "object", "typing.Any")


class Signature:
    """What a handler declares, by `args=` and `returns=` or by its hints."""

    __slots__ = ("bind", "flatten", "names", "returns", "validator")

    validator: Validator | None
    """For the object of all arguments; None when anything goes."""

    names: dict[str, tuple[str, ...]]
    """The spellings of each parameter on the wire, the canonical one first."""

    bind: Binder | None
    """From checked arguments to keywords; None when they are the same."""

    returns: Validator | None
    """For the result; None when anything goes."""

    flatten: Callable[[Any], Value] | None
    """Makes dicts of the instances in a result, before it is checked; None when the hint promises no instances."""

    def __init__(self, takes: _Takes, returns: Reading | None) -> None:
        self.validator = takes.validator
        self.names = takes.names
        self.bind = _binder(takes.names, takes.converters)
        self.returns = None if returns is None else returns.validator
        self.flatten = to_plain if returns is not None and returns.instances else None


def read_signature(
    handler: Callable[..., Any], *, args: Validator | None = None, returns: Validator | None = None
) -> Signature:
    """The signature of `async def handler(ctx, …)`; what `args` or `returns` declare is not read from hints.

    Raises LoadError when the handler cannot be called with `ctx` and keywords, when a hint describes no values, and
    when `args` and the parameters do not fit together.
    """
    handler = inspect.unwrap(handler)
    parameters = _Parameters(handler)
    takes = _by_hints(parameters) if args is None else _by_args(parameters, args)
    return Signature(takes, _read_return(handler) if returns is None else Reading(returns))


class _Takes(NamedTuple):
    validator: Validator | None
    names: dict[str, tuple[str, ...]]
    converters: dict[str, Converter]


class _Parameters:
    """The parameters after `ctx`: the named ones, and whether any others are taken (`**args`)."""

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.handler = handler
        self.name = handler.__name__
        self.named: dict[str, inspect.Parameter] = {}
        self.rest: inspect.Parameter | None = None
        parameters = list(inspect.signature(handler).parameters.values())
        if not parameters or parameters[0].kind not in _POSITIONAL:
            raise LoadError(f"`{self.name}` takes no `ctx`: the first parameter of a handler is its context")
        for parameter in parameters[1:]:
            self._add(parameter)

    def _add(self, parameter: inspect.Parameter) -> None:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            self.rest = parameter
        elif parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL):
            raise LoadError(
                f"`{self.name}` takes `{parameter}` by position, but arguments are passed by name: "
                "write it as an ordinary parameter after `ctx`"
            )
        else:
            self.named[parameter.name] = parameter

    def required(self, name: str) -> bool:
        return self.named[name].default is inspect.Parameter.empty

    def names(self) -> dict[str, tuple[str, ...]]:
        names = {name: _spellings(camel_case(name), name) for name in self.named}
        _refuse_shared(names, self.name)
        return names

    def readings(self) -> dict[str, Reading]:
        return {name: self._reading(name, parameter) for name, parameter in self.named.items()}

    def _reading(self, name: str, parameter: inspect.Parameter) -> Reading:
        hint = without_unset(_hint(self.handler, name, parameter.annotation))
        return read_hint(hint, f"parameter `{name}` of `{self.name}`")


def _spellings(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _refuse_shared(names: Mapping[str, Iterable[str]], handler: str) -> None:
    owners: dict[str, str] = {}
    for name, spellings in names.items():
        for spelling in spellings:
            other = owners.setdefault(spelling, name)
            if other != name:
                raise LoadError(
                    f"`{handler}` takes `{other}` and `{name}`, which are both `{spelling}` on the wire: rename one"
                )


def _by_hints(parameters: _Parameters) -> _Takes:
    if parameters.rest is not None:
        return _anything(parameters, parameters.rest)
    names = parameters.names()
    readings = parameters.readings()
    fields: dict[str, Validator] = {
        names[name][0]: reading.validator if parameters.required(name) else v.optional(reading.validator)
        for name, reading in readings.items()
    }
    converters = {name: reading.convert for name, reading in readings.items() if reading.convert is not None}
    return _Takes(_with_aliases(v.object(fields), names), names, converters)


def _anything(parameters: _Parameters, rest: inspect.Parameter) -> _Takes:
    hinted = [each for each in (*parameters.named.values(), rest) if each.annotation not in _UNHINTED]
    if hinted:
        raise LoadError(
            f"`{parameters.name}` has a hint at `{hinted[0].name}` and takes `**{rest.name}`, but hints declare all "
            f"arguments: name the others too, or leave out the hints"
        )
    return _Takes(None, parameters.names(), {})


def _by_args(parameters: _Parameters, args: Validator) -> _Takes:
    if not isinstance(args, ObjectValidator):
        return _Takes(args, parameters.names(), {})
    owners = {spelling: name for name, spellings in parameters.names().items() for spelling in spellings}
    names: dict[str, tuple[str, ...]] = {}
    for declared in args.fields:
        name = owners.get(declared) or owners.get(camel_case(declared))
        if name in names:
            raise LoadError(f"args= declares `{names[name][0]}` and `{declared}` for one parameter: remove one")
        if name is not None:
            names[name] = _spellings(declared, camel_case(name), name)
        elif parameters.rest is None:
            raise LoadError(f"`{parameters.name}` takes no parameter `{declared}`, which args= declares: add it")
    _refuse_shared(names, parameters.name)
    _require_declared(parameters, names, args)
    return _Takes(_with_aliases(args, names), names, {})


def _require_declared(parameters: _Parameters, names: Mapping[str, tuple[str, ...]], args: ObjectValidator) -> None:
    for name in parameters.named:
        if not parameters.required(name):
            continue
        if name not in names:
            raise LoadError(f"`{parameters.name}` takes `{name}`, which args= does not declare: add it, or a default")
        if isinstance(args.fields[names[name][0]], OptionalValidator):
            raise LoadError(f"`{parameters.name}` takes `{name}`, which is optional in args=: give it a default")


def _with_aliases(validator: ObjectValidator, names: Mapping[str, tuple[str, ...]]) -> ObjectValidator:
    aliases = {spelling: canonical for canonical, *others in names.values() for spelling in others}
    return ArgumentsValidator(validator.fields, aliases) if aliases else validator


def _binder(names: Mapping[str, tuple[str, ...]], converters: Mapping[str, Converter]) -> Binder | None:
    renames = {spelling: name for name, spellings in names.items() for spelling in spellings if spelling != name}
    if not renames and not converters:
        return None

    def bind(arguments: dict[str, Value], tables: TableNames) -> dict[str, Any]:
        bound = {renames.get(name, name): value for name, value in arguments.items() if value is not UNSET}
        for name, convert in converters.items():
            if name in bound:
                bound[name] = convert(bound[name], tables)
        return bound

    return bind


def _read_return(handler: Callable[..., Any]) -> Reading | None:
    annotation = inspect.signature(handler).return_annotation
    if annotation is inspect.Signature.empty:
        return None
    return read_hint(_hint(handler, "return", annotation), f"result of `{handler.__name__}`")


def _hint(handler: Callable[..., Any], name: str, annotation: Any) -> Any:
    """An annotation, evaluated if it is a string; alone, because the one of `ctx` may not exist at run time."""
    if annotation is inspect.Parameter.empty:
        return Any

    def holder() -> None: ...

    holder.__annotations__ = {name: annotation}
    try:
        return get_type_hints(holder, handler.__globals__, _enclosed(handler), include_extras=True)[name]
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        raise LoadError(
            f"the hint of `{name}` in `{handler.__name__}` cannot be resolved ({error}): "
            "import what it names at the top of the module, not under TYPE_CHECKING"
        ) from error


def _enclosed(handler: Callable[..., Any]) -> dict[str, Any]:
    """The names that a handler defined inside another function takes from there."""
    cells = zip(handler.__code__.co_freevars, handler.__closure__ or (), strict=True)
    enclosed: dict[str, Any] = {}
    for name, cell in cells:
        # A handler that calls itself is not bound to its own name yet.
        with suppress(ValueError):
            enclosed[name] = cell.cell_contents
    return enclosed
