"""`Blend`: how much each signal counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from foretaste._typing import Id, RandomState
from foretaste.exceptions import InvalidParameterError
from foretaste.pages.words import check_word

if TYPE_CHECKING:
    from foretaste.pages.composer import Composer

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

    @classmethod
    def learned(
        cls,
        composer: Composer,
        held_out: Any,  # noqa: ANN401  whatever `fit` takes
        signals: Sequence[str] = ("predicted", "similarity", "popularity", "trending", "freshness"),
        *,
        users: Iterable[Id] | None = None,
        at: Any = None,  # noqa: ANN401  see `moment`
        n_others: int = 100,
        reg: float = 1.0,
        random_state: RandomState = 0,
    ) -> Blend:
        r"""Weights that tell what people had after a moment from what they did not.

        A logistic regression of whether an item was had on its signals at the moment:

        .. math:: \Pr(y = 1) = \sigma\Big(b + \sum_k w_k x_k(u, i)\Big), \qquad
            \min_w \sum_u \frac{1}{n_u} \sum_i \ell(y_{ui}, p_{ui}) + \frac{\lambda}{2} \sum_k (w_k \sigma_k)^2

        over each user's held-out items and `n_others` drawn from all others that could be shown, every user counting
        the same. What is drawn changes b and not w (Prentice, Pyke 1979, "Logistic disease incidence models and
        case-control studies"), and b orders nothing. :math:`\sigma_k` is the standard deviation of a signal, so that
        the penalty means the same for all; the weights are those of the signals as they are, brought to 1 for the
        largest.

        Parameters
        ----------
        composer : Composer
        held_out : frame, Interactions or whatever `fit` takes
            Who had what after `at`.
        signals : sequence of str
            One of `SIGNALS` each.
        users : iterable of ids, optional
            Those to learn from; by default all who have something held out.
        at : datetime, date, str or number, optional
            As in `Composer.compose`.
        n_others : int
        reg : float
            The penalty, lambda.
        random_state : int, Generator or None

        Raises
        ------
        DataError
            Nothing is held out, or nothing of it could have been shown, or nothing else could.
        """
        from foretaste.pages.learning import learned_weights  # noqa: PLC0415  scikit-learn is needed here alone

        return cls(**learned_weights(composer, held_out, signals, users, at, n_others, reg, random_state))

    def without(self, signal: str) -> dict[str, float]:
        """The weights of the other signals."""
        return {name: weight for name, weight in self if name != signal}
