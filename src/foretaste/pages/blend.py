"""`Blend`: how much each signal counts."""

from __future__ import annotations

import math
from collections.abc import Iterator

from foretaste.exceptions import InvalidParameterError
from foretaste.pages.words import check_word

SIGNALS = (
    "predicted",
    "similarity",
    "popularity",
    "trending",
    "freshness",
    "engaged",
    "due",
    "promotion",
    "novelty",
)
"""The signals there are; `foretaste.pages.signals` has a function for each."""


class Blend:
    r"""Weights over signals: the score of an item for a user is their weighted sum.

    .. math:: s_{ui} = \sum_k w_k \, x_k(u, i)

    Parameters
    ----------
    **weights : float
        By signal, one of `SIGNALS`. A weight below 0 counts against an item.

    Raises
    ------
    InvalidParameterError
        A signal is unknown, a weight is not a finite number, or all of them are 0.

    Examples
    --------
    >>> Blend(predicted=1.0, freshness=0.2)
    Blend(predicted=1, freshness=0.2)
    """

    def __init__(self, **weights: float) -> None:
        for name, weight in weights.items():
            check_word(name, SIGNALS, "the signal")
            if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not math.isfinite(weight):
                message = f"the weight of {name!r} must be a finite number, got {weight!r}."
                raise InvalidParameterError(message)
        self.weights = {name: float(weight) for name, weight in weights.items() if weight}
        if not self.weights:
            message = "a blend needs at least one signal with a weight other than 0, as in Blend(predicted=1)."
            raise InvalidParameterError(message)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return iter(self.weights.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blend) and self.weights == other.weights

    def __hash__(self) -> int:
        return hash(frozenset(self.weights.items()))

    def __repr__(self) -> str:
        return f"Blend({', '.join(f'{name}={weight:g}' for name, weight in self)})"

    def without(self, signal: str) -> dict[str, float]:
        """The weights of the other signals."""
        return {name: weight for name, weight in self if name != signal}
