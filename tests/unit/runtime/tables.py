"""Tables for validators that need some."""


class NoTables:
    """A deployment without tables."""

    def number_of(self, name: str, /) -> int | None:
        return None

    def name_of(self, number: int, /) -> str | None:
        return None
