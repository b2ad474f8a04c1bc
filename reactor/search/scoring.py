"""How well documents answer: BM25, with the usual constants.

(As get-convex/convex-backend, crates/search/src/scoring.rs, says that it scores.)
"""

import math
from typing import NamedTuple

__all__ = ["TOP_IMPACT", "Statistics", "impact"]

_K1, _B = 1.2, 0.75
_USUAL_LENGTH = 64
"""Words of a document by which impacts in keys are made: keys cannot change with the average."""

TOP_IMPACT = 254


def impact(frequency: int, length: int) -> int:
    """How much a word says of a document in which it occurs so often, 0 to TOP_IMPACT: postings stand in this order.

    For texts of the usual length it grows as the score does; what is shown is ordered by the score itself.
    """
    return round(TOP_IMPACT * _saturation(frequency, length / _USUAL_LENGTH))


def _saturation(frequency: int, relative_length: float) -> float:
    return frequency / (frequency + _K1 * (1 - _B + _B * relative_length))


class Statistics(NamedTuple):
    """What is known of all documents of an index: how many have a text, and how many words on average."""

    documents: int
    mean_length: float

    def rarity(self, containing: int) -> float:
        """The weight of a word that so many documents contain."""
        containing = min(containing, self.documents)
        return math.log(1 + (self.documents - containing + 0.5) / (containing + 0.5))

    def most(self, rarity: float, impact: int) -> float:
        """What a word adds at most to the score of a document in whose key it has this impact, or a smaller one."""
        longer = max(1.0, self.mean_length / _USUAL_LENGTH)
        return rarity * (_K1 + 1) * min((impact + 1) / TOP_IMPACT * longer, 1.0)

    def score(self, rarity: float, frequency: int, length: int) -> float:
        """What a word adds to the score of a document of so many words in which it occurs so often."""
        return rarity * (_K1 + 1) * _saturation(frequency, length / max(self.mean_length, 1.0))
