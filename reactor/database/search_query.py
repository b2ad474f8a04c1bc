"""The `q` of `with_search_index(name, lambda q: q.search("body", text).eq("user", id))`.

Rules and codes match get-convex/convex-backend, crates/common/src/query.rs and crates/search/src/query.rs.
"""

from typing import Any

from reactor.database.derived import DerivedIndex
from reactor.errors import DeveloperError
from reactor.values import UnsetType, Value, encode_value

__all__ = ["Search"]

_MOST_CONDITIONS = 8


class Search:
    """Collects what is looked for: `text`, and `conditions` on filter fields in the order in which they were given."""

    __slots__ = ("_index", "_table", "conditions", "text")

    def __init__(self, table: str, index: DerivedIndex) -> None:
        self._table, self._index = table, index
        self.text: str | None = None
        self.conditions: list[tuple[str, Value | UnsetType]] = []

    def search(self, field: str, text: str) -> "Search":
        """Documents that have some of the words of `text` in the index's field; the last may be the start of one."""
        if field != self._index.fields[0]:
            raise DeveloperError(
                f"The search index {self._name()} is over `{self._index.fields[0]}`, not `{field}`: search that, or "
                "declare an index over the other.",
                code="IncorrectSearchField",
            )
        if self.text is not None:
            raise DeveloperError(
                f"A search of {self._name()} can have one search(): put the words into one text.",
                code="DuplicateSearchFilters",
            )
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DeveloperError(f"search() takes a text, not {type(text).__name__}.", code="TypeError")
        self.text = text
        return self

    def eq(self, field: str, value: Any) -> "Search":
        """Only documents whose filter field equals `value` (UNSET: documents without the field)."""
        if field not in self._index.fields[1:]:
            known = ", ".join(f"`{each}`" for each in self._index.fields[1:]) or "none"
            raise DeveloperError(
                f"The search index {self._name()} does not filter by `{field}`. Its filter fields: {known}. Declare it "
                "in filter_fields, or use filter() behind the search.",
                code="IncorrectFilterField",
            )
        if len(self.conditions) == _MOST_CONDITIONS:
            raise DeveloperError(
                f"A search can have {_MOST_CONDITIONS} conditions on filter fields: put the others into filter().",
                code="TooManyFilterConditions",
            )
        encode_value(value)  # raises for what is no value
        self.conditions.append((field, value))
        return self

    def checked(self) -> str:
        """The text. Raises DeveloperError when there is none."""
        if self.text is None:
            raise DeveloperError(
                f'A search of {self._name()} needs a text: lambda q: q.search("{self._index.fields[0]}", text).',
                code="MissingSearchFilter",
            )
        return self.text

    def parts(self) -> list[bytes]:
        """What tells searches apart."""
        conditions = [part for field, value in self.conditions for part in (field.encode(), encode_value(value))]
        return [(self.text or "").encode("utf-8", "surrogatepass"), *conditions]

    def scoped(self) -> tuple[int, Value | UnsetType] | None:
        """The filter field by which postings are read, by its number, and its value; None without conditions."""
        if not self.conditions:
            return None
        field, value = self.conditions[0]
        return self._index.fields[1:].index(field), value

    def others(self) -> list[tuple[str, Value | UnsetType]]:
        """The conditions that postings do not answer."""
        return self.conditions[1:]

    def _name(self) -> str:
        return f"{self._table}.{self._index.name}"
