"""The `q` of `filter(lambda q: q.field("n") > 3)`: expressions over one document.

Comparisons use the order of values, in which kinds differ and a missing field stands first. Arithmetic takes two
numbers of one kind, logic takes booleans; everything else is an error when the document is reached
(get-convex/convex-backend, crates/common/src/query.rs).
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from reactor.database.arithmetic import OPERATIONS, kind_name, negated, shown
from reactor.errors import DeveloperError
from reactor.values import compare, encode_value
from reactor.values.field_paths import field_getter

__all__ = ["Evaluate", "Expression", "FilterBuilder", "as_boolean", "expression"]

Evaluate = Callable[[dict[str, Any]], Any]
"""Gives an expression's value for a document; raises DeveloperError with code EvalError where it has none."""

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


class Expression:
    """A part of a filter. Compare, calculate and combine it with Python's operators, or with the methods of `q`.

    `&`, `|` and `~` stand for and, or and not, since Python's own words cannot be given a meaning.
    `form` is the same for expressions that mean the same in the same words.
    """

    __slots__ = ("evaluate", "form")

    def __init__(self, evaluate: Evaluate, form: bytes) -> None:
        self.evaluate, self.form = evaluate, form

    def __eq__(self, other: object) -> "Expression":  # type: ignore[override]
        return _comparison("eq", self, other)

    def __ne__(self, other: object) -> "Expression":  # type: ignore[override]
        return _comparison("neq", self, other)

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> "Expression":
        return _comparison("lt", self, other)

    def __le__(self, other: Any) -> "Expression":
        return _comparison("lte", self, other)

    def __gt__(self, other: Any) -> "Expression":
        return _comparison("gt", self, other)

    def __ge__(self, other: Any) -> "Expression":
        return _comparison("gte", self, other)

    def __add__(self, other: Any) -> "Expression":
        return _arithmetic("add", self, other)

    def __radd__(self, other: Any) -> "Expression":
        return _arithmetic("add", other, self)

    def __sub__(self, other: Any) -> "Expression":
        return _arithmetic("sub", self, other)

    def __rsub__(self, other: Any) -> "Expression":
        return _arithmetic("sub", other, self)

    def __mul__(self, other: Any) -> "Expression":
        return _arithmetic("mul", self, other)

    def __rmul__(self, other: Any) -> "Expression":
        return _arithmetic("mul", other, self)

    def __truediv__(self, other: Any) -> "Expression":
        return _arithmetic("div", self, other)

    def __rtruediv__(self, other: Any) -> "Expression":
        return _arithmetic("div", other, self)

    def __mod__(self, other: Any) -> "Expression":
        return _arithmetic("mod", self, other)

    def __rmod__(self, other: Any) -> "Expression":
        return _arithmetic("mod", other, self)

    def __neg__(self) -> "Expression":
        return _negation(self)

    def __and__(self, other: Any) -> "Expression":
        return _all((self, other))

    def __rand__(self, other: Any) -> "Expression":
        return _all((other, self))

    def __or__(self, other: Any) -> "Expression":
        return _any((self, other))

    def __ror__(self, other: Any) -> "Expression":
        return _any((other, self))

    def __invert__(self) -> "Expression":
        return _not(self)

    def __bool__(self) -> bool:
        raise DeveloperError(
            "A filter expression has no truth of its own: it is evaluated for each document. Write & for and, | for "
            "or, ~ for not, with brackets around comparisons, and 1 < x < 5 as (x > 1) & (x < 5).",
            code="FilterExpression",
        )

    def __repr__(self) -> str:
        return "<filter expression>"


class FilterBuilder:
    """`q` in `filter(lambda q: ...)`. Operands are expressions, or values; UNSET stands for a missing field."""

    __slots__ = ()

    def field(self, path: str) -> Expression:
        """The document's field, in an inner object by `a.b`; UNSET where it is missing."""
        if not isinstance(path, str) or not all(path.split(".")):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DeveloperError(f'q.field() takes a path like "name" or "address.city", not {path!r:.80}.')
        return Expression(field_getter(path), _form("field", encode_value(path)))

    def eq(self, left: Any, right: Any) -> Expression:
        """Equal, kinds included: 1 and Int64(1) are not."""
        return _comparison("eq", left, right)

    def neq(self, left: Any, right: Any) -> Expression:
        """Not equal."""
        return _comparison("neq", left, right)

    def lt(self, left: Any, right: Any) -> Expression:
        """`left` sorts before `right`."""
        return _comparison("lt", left, right)

    def lte(self, left: Any, right: Any) -> Expression:
        """`left` sorts before or with `right`."""
        return _comparison("lte", left, right)

    def gt(self, left: Any, right: Any) -> Expression:
        """`left` sorts after `right`."""
        return _comparison("gt", left, right)

    def gte(self, left: Any, right: Any) -> Expression:
        """`left` sorts after or with `right`."""
        return _comparison("gte", left, right)

    def add(self, left: Any, right: Any) -> Expression:
        """Sum of two numbers of one kind."""
        return _arithmetic("add", left, right)

    def sub(self, left: Any, right: Any) -> Expression:
        """Difference."""
        return _arithmetic("sub", left, right)

    def mul(self, left: Any, right: Any) -> Expression:
        """Product."""
        return _arithmetic("mul", left, right)

    def div(self, left: Any, right: Any) -> Expression:
        """Quotient; of two Int64 cut towards zero."""
        return _arithmetic("div", left, right)

    def mod(self, left: Any, right: Any) -> Expression:
        """Remainder, with the sign of `left`."""
        return _arithmetic("mod", left, right)

    def neg(self, operand: Any) -> Expression:
        """The number with the other sign."""
        return _negation(operand)

    def and_(self, *operands: Any) -> Expression:
        """Whether all hold; those behind the first that does not are not looked at."""
        return _all(operands)

    def or_(self, *operands: Any) -> Expression:
        """Whether one holds; those behind the first that does are not looked at."""
        return _any(operands)

    def not_(self, operand: Any) -> Expression:
        """Whether it does not hold."""
        return _not(operand)


def expression(operand: Any) -> Expression:
    """An operand as an expression. Raises InvalidValue for what is neither that nor a value."""
    if isinstance(operand, Expression):
        return operand
    return Expression(lambda _: operand, _form("value", encode_value(operand)))


def as_boolean(value: Any) -> bool:
    """`value`, which must be a boolean. Raises DeveloperError with code EvalError."""
    if value is True or value is False:
        return value
    raise DeveloperError(
        f"Cannot use value {shown(value)} (type {kind_name(value)}) as a Boolean: a filter, and what and, or and not "
        "combine, must be true or false, so compare it with something.",
        code="EvalError",
    )


def _form(operation: str, *operands: bytes) -> bytes:
    # Lengths keep neighbours apart: no two different expressions have one form.
    return b"%b(%b)" % (operation.encode(), b"".join(b"%d:%b" % (len(operand), operand) for operand in operands))


def _comparison(operation: str, left: Any, right: Any) -> Expression:
    one, two, decide = expression(left), expression(right), _COMPARISONS[operation]
    first, second = one.evaluate, two.evaluate

    def evaluate(document: dict[str, Any]) -> bool:
        a, b = first(document), second(document)
        if type(a) is str and type(b) is str and (operation == "eq" or operation == "neq"):
            return (a == b) is (operation == "eq")  # by far the most, and texts that are equal sort together
        return decide(compare(a, b), 0)

    return Expression(evaluate, _form(operation, one.form, two.form))


def _arithmetic(operation: str, left: Any, right: Any) -> Expression:
    one, two, calculate = expression(left), expression(right), OPERATIONS[operation]
    first, second = one.evaluate, two.evaluate
    return Expression(
        lambda document: calculate(first(document), second(document)), _form(operation, one.form, two.form)
    )


def _negation(operand: Any) -> Expression:
    inner = expression(operand)
    return Expression(lambda document: negated(inner.evaluate(document)), _form("neg", inner.form))


def _not(operand: Any) -> Expression:
    inner = expression(operand)
    return Expression(lambda document: not as_boolean(inner.evaluate(document)), _form("not", inner.form))


def _all(operands: Sequence[Any]) -> Expression:
    parts = [expression(operand) for operand in operands]
    tests = [part.evaluate for part in parts]
    return Expression(
        lambda document: all(as_boolean(test(document)) for test in tests), _form("and", *(part.form for part in parts))
    )


def _any(operands: Sequence[Any]) -> Expression:
    parts = [expression(operand) for operand in operands]
    tests = [part.evaluate for part in parts]
    return Expression(
        lambda document: any(as_boolean(test(document)) for test in tests), _form("or", *(part.form for part in parts))
    )
