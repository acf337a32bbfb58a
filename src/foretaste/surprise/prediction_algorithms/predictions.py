"""`Prediction`, and the exception for where there can be none."""

from __future__ import annotations

from typing import Any, NamedTuple


class PredictionImpossible(Exception):  # noqa: N818  a name of Surprise's
    """Raised by `estimate` where a rating cannot be estimated; the prediction is then `default_prediction`."""


class _Fields(NamedTuple):
    uid: Any
    iid: Any
    r_ui: Any
    est: Any
    details: Any


class Prediction(_Fields):
    """A predicted rating.

    Attributes
    ----------
    uid, iid : hashable
        Raw ids.
    r_ui : float or None
        The true rating, where it was given.
    est : float
        The estimated one.
    details : dict
        ``was_impossible``, the ``reason`` if it was, and what else the algorithm tells.
    """

    __slots__ = ()

    def __str__(self) -> str:
        true = "None" if self.r_ui is None else f"{self.r_ui:1.2f}"
        return f"user: {self.uid:<10} item: {self.iid:<10} r_ui = {true}   est = {self.est:1.2f}   {self.details}"
