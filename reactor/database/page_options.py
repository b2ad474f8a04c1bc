"""What a client says of the page it wants, checked; and what a page looks like."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, NotRequired, TypedDict, cast

import msgspec

from reactor.errors import DeveloperError
from reactor.values import v
from reactor.values.validator_kinds import is_number
from reactor.values.validators import ObjectValidator

__all__ = ["PageRequest", "PaginationOptions", "PaginationResult", "page_request", "pagination_opts_validator"]

MOST_ITEMS = 32_000

if TYPE_CHECKING:
    # Only type checkers know what a parameter is when nobody says.
    from typing_extensions import TypeVar

    D = TypeVar("D", default=dict[str, Any])
else:
    from typing import TypeVar

    D = TypeVar("D")


class PaginationOptions(TypedDict):
    """The hint for a parameter that is handed to `paginate` as a client sent it.

    `numItems`: how many documents a new page gets. `cursor`: the `continueCursor` of the page before, None for the
    first. `endCursor`: where the page ends; `numItems` and the maxima then count for nothing. `maximumRowsRead`,
    `maximumBytesRead`: how much may be read for a new page before it ends early. `id` is the client's own.
    """

    numItems: float
    cursor: str | None
    endCursor: NotRequired[str | None]
    maximumRowsRead: NotRequired[float]
    maximumBytesRead: NotRequired[float]
    id: NotRequired[float]


class PaginationResult(TypedDict, Generic[D]):
    """A page of documents, `PaginationResult[Essay]` where their type is known.

    The next page begins at `continueCursor`, unless `isDone`.

    `pageStatus` "SplitRequired" says that a page with a fixed end is too large to be read whole, "SplitRecommended"
    that it soon will be: ask for it again in two, up to `splitCursor` and from there.
    """

    page: list[D]
    isDone: bool
    continueCursor: str
    splitCursor: str | None
    pageStatus: Literal["SplitRecommended", "SplitRequired"] | None


pagination_opts_validator: ObjectValidator = v.object(
    {
        "numItems": v.number(),
        "cursor": v.nullable(v.string()),
        "endCursor": v.optional(v.nullable(v.string())),
        "maximumRowsRead": v.optional(v.number()),
        "maximumBytesRead": v.optional(v.number()),
        "id": v.optional(v.number()),
    }
)
"""The validator of `PaginationOptions`, for `args={"paginationOpts": pagination_opts_validator}`."""


class PageRequest(msgspec.Struct):
    """`cursor` and `end` are cursors. Without `end` the page ends after `items` documents, or when `rows` documents or
    `size` bytes were read for it.
    """

    items: int
    cursor: str | None
    end: str | None
    rows: float
    size: float

    def ending(self, end: str | None) -> "PageRequest":
        """The same with another end."""
        return PageRequest(self.items, self.cursor, end, self.rows, self.size)


def page_request(options: Any) -> PageRequest:
    """The request that options as in `PaginationOptions` make. Raises DeveloperError naming the one that is wrong."""
    if not isinstance(options, Mapping):
        raise DeveloperError(
            f"paginate() takes the options of a page, such as the client's paginationOpts or "
            f'{{"numItems": 10, "cursor": None}}, not {type(options).__name__}.',
            code="TypeError",
        )
    given = cast(Mapping[str, Any], options)
    return PageRequest(
        items=_items(given.get("numItems")),
        cursor=_cursor(given, "cursor"),
        end=_cursor(given, "endCursor"),
        rows=_maximum(given, "maximumRowsRead"),
        size=_maximum(given, "maximumBytesRead"),
    )


def _items(wanted: Any) -> int:
    if not is_number(wanted) or not wanted >= 0 or wanted != wanted // 1:
        raise DeveloperError(f"`numItems` of a page is a whole number, not {wanted!r:.80}.", code="TypeError")
    if wanted < 1:
        raise DeveloperError("Must request at least 1 document while paginating.", code="NoDocumentsForPagination")
    if wanted > MOST_ITEMS:
        raise DeveloperError(
            f"A page of {wanted:.0f} documents was requested (limit: {MOST_ITEMS}): ask for fewer, and for more pages.",
            code="PageSizeTooLarge",
        )
    return int(wanted)


def _cursor(options: Mapping[str, Any], name: str) -> str | None:
    text = options.get(name)
    if text is not None and not isinstance(text, str):
        raise DeveloperError(f"`{name}` of a page is a cursor as text, or None, not {text!r:.80}.", code="TypeError")
    return text


def _maximum(options: Mapping[str, Any], name: str) -> float:
    most = options.get(name)
    if most is None:
        return float("inf")
    if not is_number(most) or not most >= 1:
        raise DeveloperError(
            f"`{name}` of a page is a number of at least 1, not {most!r:.80}.", code="InvalidPaginationLimit"
        )
    return most
