"""The points that a model has learned: the one place where this room looks into models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from foretaste._typing import Codes, Float64, Id
from foretaste.data.vocabulary import Vocabulary, encode_told
from foretaste.exceptions import NotFittedError, UnknownIdError, UnsupportedError
from foretaste.models import Recommender

Side = Literal["user", "item"]


def vectors_of(model: Recommender, side: Side, caller: str) -> Float64:
    """The factors of a model's users or items, a row each in the order of its vocabulary.

    Parameters
    ----------
    model : fitted model
    side : {"user", "item"}
    caller : str
        The function that asks, for the message.

    Raises
    ------
    NotFittedError
        The model is not fitted.
    UnsupportedError
        It places no users or items in a space.
    """
    name = type(model).__name__
    if not hasattr(model, "item_vocabulary_"):
        message = f"This {name} is not fitted yet. Call 'fit' before '{caller}'."
        raise NotFittedError(message)
    factors = getattr(model, f"{side}_factors_", None)
    if factors is None or not factors.shape[1]:
        message = (
            f"{caller} looks at factors of {side}s, and {name} has none. Hint: ALS, FunkSVD and ImplicitALS learn them."
        )
        raise UnsupportedError(message)
    return np.asarray(factors, np.float64)


def codes_of(vocabulary: Vocabulary, ids: Iterable[Id], caller: str, side: Side = "item") -> Codes:
    """The codes of some items or users.

    Raises
    ------
    UnknownIdError
        One is unknown.
    """
    codes, unknown = encode_told(vocabulary, ids, side)
    if unknown:
        message = f"{caller}: {unknown}"
        raise UnknownIdError(message)
    return codes
