"""Which results are worth keeping: those of queries that are asked again.

Most results of most applications are asked for once, or are written over before they are asked for again. Keeping
them would take their time from the run and from the commit that drops them, and their room from others.
"""

__all__ = ["Admission"]

_REMEMBERED = 16_384


class Admission:
    """Remembers, by hash, which keys were asked for among the latest twice `remembered` different ones or so."""

    __slots__ = ("_before", "_lately", "_remembered")

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._lately: set[int] = set()
        self._before: set[int] = set()

    def asked(self, key: object) -> bool:
        """Remember that a key is asked for; whether it was known already."""
        number = hash(key)
        if number in self._lately:
            return True
        known = number in self._before
        self._lately.add(number)
        if len(self._lately) >= self._remembered:
            self._before, self._lately = self._lately, set()
        return known

    def useless(self, key: object) -> None:
        """What was kept for a key went without having served anybody: it must be asked for twice again."""
        number = hash(key)
        self._lately.discard(number)
        self._before.discard(number)
