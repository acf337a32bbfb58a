"""The signals: a number in [0, 1] for each item, for one visitor at one moment; a function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from foretaste._typing import Float32

if TYPE_CHECKING:
    from foretaste.pages.visit import Visit


def predicted(visit: Visit) -> Float32:
    r"""What the model expects.

    Of ratings, the place on the scale, :math:`(\hat r - r_\min) / (r_\max - r_\min)`. Of scores that only order items,
    0 for the user's average item and below, 1 for the best of all: :math:`\max(s - \bar s, 0) / (s_\max - \bar s)`.
    """
    scores, model = visit.scores, visit.stage.model
    lowest, highest = model.scale_ if model.predicts_ratings else (float(scores.mean()), float(scores.max()))
    signal: Float32 = np.clip((scores - np.float32(lowest)) / np.float32(max(highest - lowest, 1e-12)), 0, 1)
    return signal


def similarity(visit: Visit) -> Float32:
    r"""How near an item is to what the visitor liked.

    .. math:: \max(\cos(x_i, c), 0), \qquad c = \sum_{j \in H_u} s_j 2^{-a_j / h} \frac{x_j}{|x_j|}

    with s the strength and a the age of an event. In a `because` row the anchor stands in the place of c.
    """
    space, history = visit.stage.space(), visit.history
    return np.maximum(space.to(space.centre(history.codes, history.weights)), 0)


def popularity(visit: Visit) -> Float32:
    """How many had it of late: `Crowd.popularity`."""
    return visit.stage.popularity(visit.day)


def trending(visit: Visit) -> Float32:
    """How far above its own rate it is: `Crowd.trending`."""
    return visit.stage.trending(visit.day)


def freshness(visit: Visit) -> Float32:
    r"""How new the item is: :math:`2^{-a_i / h}`, a its age since `released`, or since its first event."""
    return visit.stage.freshness(visit.day)


def engaged(visit: Visit) -> Float32:
    """What the visitor has started or had: the share that is done, 1 where nothing says otherwise."""
    signal = np.zeros(visit.n_items, np.float32)
    signal[visit.history.codes] = 1
    codes, shares = visit.progress
    signal[codes] = shares
    return signal


def due(visit: Visit) -> Float32:
    """With what probability the visitor buys it again soon: see `BuyAgain`."""
    return visit.due


def promotion(visit: Visit) -> Float32:
    """1 where a sponsored rule applies to the item, else 0."""
    return (visit.sponsor >= 0).astype(np.float32)


def novelty(visit: Visit) -> Float32:
    """How far the item is from what the visitor liked: 1 minus `similarity`."""
    return 1 - visit.signal("similarity")


FUNCTIONS: dict[str, Callable[[Visit], Float32]] = {
    function.__name__: function
    for function in (predicted, similarity, popularity, trending, freshness, engaged, due, promotion, novelty)
}
"""By name; the names are those of `Blend`."""
