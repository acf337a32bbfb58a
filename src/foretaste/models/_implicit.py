"""What models that learn from events share: clicks, plays and purchases, each of which counts for its item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Id
from foretaste.data.coerce import as_events, as_new_events
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import DataError
from foretaste.models._base import Recommender

Made = TypeVar("Made")

# Users whose scores of every item stand in memory together while some of them are looked up.
_BLOCK = 128


class ImplicitModel(Recommender):
    """A model that learns from what users have and not from what they said of it, and orders items by a score.

    Every row is an event in favour of its item. Ratings are ignored; weights count, and those of a pair that occurs
    again add up. Where only what was liked is to count, choose it first: `Interactions.at_least`.

    `known_` holds the events of each user: an entry a pair, items ascending, the value its weight.
    """

    predicts_ratings: ClassVar[bool] = False
    measure: ClassVar[Literal["rmse", "loss"]] = "loss"

    def _taken(self, data: Any, ratings: npt.ArrayLike | None) -> Interactions:  # noqa: ANN401  see `fit`
        return as_events(data, ratings)

    def _newcomers(self, ratings: Any, user: Id) -> Interactions:  # noqa: ANN401  see `fold_in`
        return as_new_events(ratings, user)

    def _known(self, interactions: Interactions) -> SparseRows:
        return self._events(interactions)

    def _negligible(self, interactions: Interactions) -> float:  # noqa: ARG002  a loss has its own measure
        return 0.0

    def _events(self, interactions: Interactions) -> SparseRows:
        """The events by user: unique pairs, items ascending, float32 sums of weights.

        Raises
        ------
        DataError
            A weight is 0 or less: such an event speaks for nothing, or against its item.
        """
        weights = interactions.weights
        if weights is not None and weights.size and not weights.min() > 0:
            row = int((weights <= 0).argmax())
            user, item = interactions.user_codes[row], interactions.item_codes[row]
            message = (
                f"{type(self).__name__} takes weights above 0, and the event of user "
                f"{interactions.users.decode_one(int(user))!r} and item {interactions.items.decode_one(int(item))!r} "
                f"has {weights[row]:g} ({int((weights <= 0).sum())} such rows). Hint: leave such events out."
            )
            raise DataError(message)
        return interactions.events()

    def _once(self, name: str, source: object, make: Callable[[], Made]) -> Made:
        """What `make` makes of the learned attribute `source`, kept for as long as the attribute stays."""
        kept: dict[str, tuple[object, Made]] = self.__dict__.setdefault("_kept", {})
        if name not in kept or kept[name][0] is not source:
            kept[name] = source, make()
        return kept[name][1]


class RowScored(ImplicitModel):
    """A model that scores every item of a user in one go; the scores of pairs are looked up in such rows."""

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        predicted = np.zeros(user_codes.size)
        users, place = np.unique(user_codes, return_inverse=True)
        order, ends = np.argsort(place, kind="stable"), np.cumsum(np.bincount(place, minlength=users.size))
        score = self._scorer()
        for first in range(0, users.size, _BLOCK):
            block = users[first : first + _BLOCK]
            pairs = order[ends[first - 1] if first else 0 : ends[first + block.size - 1]]
            found = score(block)[place[pairs] - first, item_codes[pairs]]
            predicted[pairs] = np.where(item_codes[pairs] >= 0, found, 0.0)
        return predicted
