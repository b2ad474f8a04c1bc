"""A query's filter: which documents of a range it lets through.

It is a part of what was read: a commit whose old and new document both fail it changes nothing for the reader.
"""

from collections.abc import Callable, Iterable
from typing import Any

from reactor.database.documents import Document
from reactor.database.expressions import Evaluate, Expression, FilterBuilder, as_boolean, expression
from reactor.errors import DeveloperError

__all__ = ["Filter"]


class Filter:
    """All conditions of one query, in the order of its `filter` calls. Equal when they are the same in the same words.

    `count` is their number.
    """

    __slots__ = ("_form", "_tests", "count")

    def __init__(self, tests: tuple[Evaluate, ...], form: bytes) -> None:
        self._tests, self._form = tests, form
        self.count = len(tests)

    @staticmethod
    def of(predicate: Callable[[FilterBuilder], Any], before: "Filter | None" = None) -> "Filter":
        """The filter of a `filter` call that comes after those in `before`. Raises DeveloperError for bad operands."""
        returned = predicate(FilterBuilder())
        if returned is None:
            raise DeveloperError(
                'The function of filter() returned None: return the condition, as in lambda q: q.field("age") >= 18.',
                code="FilterExpression",
            )
        found: Expression = expression(returned)
        if before is None:
            return Filter((found.evaluate,), found.form)
        return Filter((*before._tests, found.evaluate), b"%b;%b" % (before._form, found.form))

    @property
    def form(self) -> bytes:
        """Text that equal filters share."""
        return self._form

    def passes(self, document: Document) -> bool:
        """Whether the document gets through. Raises DeveloperError with code EvalError where that has no answer."""
        value = document.value()
        for test in self._tests:  # noqa: SIM110 - called for every document that is read
            if not as_boolean(test(value)):
                return False
        return True

    def concerns(self, versions: Iterable[Document]) -> bool:
        """Whether a change between these versions of a document can matter to who reads by this filter."""
        return any(map(self._may_pass, versions))

    def _may_pass(self, document: Document) -> bool:
        try:
            return self.passes(document)
        except Exception:  # the reader failed at such a document, or will
            return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self._form == other._form

    def __hash__(self) -> int:
        return hash(self._form)

    def __repr__(self) -> str:
        return f"<filter of {self.count}>"
