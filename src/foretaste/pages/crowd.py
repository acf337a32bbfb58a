"""`Log` and `Crowd`: who had what and when, and what that says of the items at a moment, whoever looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32, Float64
from foretaste.data.interactions import Interactions
from foretaste.data.moments import days
from foretaste.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Log:
    """Events in a model's codes, in the order of time.

    Attributes
    ----------
    users : Vocabulary
        All users of the events, in codes of their own: somebody may have come after the model was trained.
    user_codes, item_codes : int32 arrays of shape (n_events,)
    days : float64 array of shape (n_events,)
        Since 1970, ascending; all equal to 0 where the events have no times.
    strengths : float32 array of shape (n_events,)
        How much an event speaks for its item, 0 or more: see `strengths_of`.
    n_unknown : int
        Events left out, whose item the model does not know.
    n_timeless : int
        Events left out, of which it is not known when they were, though it is of others.
    """

    users: Vocabulary
    user_codes: Codes
    item_codes: Codes
    days: Float64
    strengths: Float32
    n_unknown: int
    n_timeless: int
    _starts: npt.NDArray[np.int64]
    _order: npt.NDArray[np.int64]

    @classmethod
    def of(cls, events: Interactions, items: Vocabulary) -> Log:
        """From interactions; `items` are those of the model."""
        codes = items.encode(events.items.ids)[events.item_codes]
        moments = np.zeros(len(events)) if events.times is None else days(events.times, "the times of the events")
        timeless = np.isnan(moments)
        if timeless.all():
            moments, timeless = np.zeros(len(events)), np.zeros(len(events), np.bool_)
        known = np.flatnonzero((codes >= 0) & ~timeless)
        known = known[np.argsort(moments[known], kind="stable")]
        users = events.user_codes[known]
        return cls(
            events.users,
            users,
            codes[known],
            moments[known],
            strengths_of(events)[known],
            int(np.count_nonzero(codes < 0)),
            int(np.count_nonzero(timeless)),
            np.concatenate([[0], np.cumsum(np.bincount(users, minlength=len(events.users)))]),
            np.argsort(users, kind="stable"),
        )

    @property
    def has_times(self) -> bool:
        """Whether the events have times; without, all count as had and none as old."""
        return bool(self.days.size) and bool(self.days[0] or self.days[-1])

    def until(self, day: float) -> int:
        """How many events took place before a moment; they are the first."""
        return int(np.searchsorted(self.days, day, side="left")) if self.has_times else self.days.size

    def ages(self, days: Float64, day: float) -> Float64:
        """How many days before a moment some events took place; 0 without times."""
        return np.maximum(day - days, 0) if self.has_times else np.zeros(days.shape)

    def of_user(self, code: int, day: float) -> npt.NDArray[np.int64]:
        """The positions of a user's events before a moment, oldest first."""
        own = self._order[self._starts[code] : self._starts[code + 1]]
        return own[own < self.until(day)]


def strengths_of(events: Interactions) -> Float32:
    r"""How much each event speaks for its item.

    Of ratings, by how much the rating is above the middle m of the scale, where it is at least the user's own mean:

    .. math:: s = \frac{\max(r - m, 0)}{r_\max - m} \, [r \ge \bar r_u]

    else the logarithm :math:`\log_2(1 + w)` of the weight: a hundred plays are not a hundred times one.
    """
    if events.ratings is not None:
        lowest, highest = events.scale
        middle = (lowest + highest) / 2
        counts = np.bincount(events.user_codes, minlength=events.n_users)
        means = np.bincount(events.user_codes, events.ratings, events.n_users) / np.maximum(counts, 1)
        above = np.maximum(events.ratings - middle, 0) / max(highest - middle, 1e-9)
        # a mean is rounded, so that somebody who always says the same would be above or below it by chance
        spoken: Float32 = np.where(events.ratings >= means[events.user_codes] - 1e-6, above, 0).astype(np.float32)
        return spoken
    if events.weights is not None:
        counted: Float32 = np.log2(1 + np.maximum(events.weights, 0)).astype(np.float32)
        return counted
    return np.ones(len(events), np.float32)


@dataclass(frozen=True, eq=False)
class Crowd:
    """What everybody's events say of each item at one moment.

    Attributes
    ----------
    log : Log
    day : float
        The moment, in days since 1970; later events are not looked at.
    """

    log: Log
    day: float
    n_items: int

    def popularity(self, half_life: float) -> Float32:
        r"""How many have it, the recent counting more.

        .. math:: s_i = \frac{\log(1 + c_i)}{\max_j \log(1 + c_j)}, \qquad c_i = \sum_{e \in E_i} 2^{-(t - t_e) / h}
        """
        last = self.log.until(self.day)
        weights = np.exp2(-self.log.ages(self.log.days[:last], self.day) / half_life)
        logs = np.log1p(np.bincount(self.log.item_codes[:last], weights, self.n_items))
        signal: Float32 = (logs / max(logs.max(initial=0), 1e-12)).astype(np.float32)
        return signal

    def trending(self, window: float, shrinkage: float) -> Float32:
        r"""Above its own rate of late.

        .. math:: s_i = \max\Big(0,\ 1 - \frac{e_i + m}{c_i + m}\Big), \qquad e_i = b_i \frac{\sum_j c_j}{\sum_j b_j}

        with c the events of an item in the last `window` days, b those in the four windows before, so that e is what
        the item would have had if its share had stayed the same. m = `shrinkage` keeps two events after none from
        being a trend; an item that did not exist before can trend like any other.
        """
        first, start, last = (self.log.until(day) for day in (self.day - 5 * window, self.day - window, self.day))
        now = np.bincount(self.log.item_codes[start:last], minlength=self.n_items)
        before = np.bincount(self.log.item_codes[first:start], minlength=self.n_items)
        expected = before * (now.sum() / max(before.sum(), 1))
        signal: Float32 = np.maximum(0, 1 - (expected + shrinkage) / (now + shrinkage)).astype(np.float32)
        return signal

    def first_days(self) -> Float64:
        """The day of each item's first event; infinite where there was none before the moment."""
        last = self.log.until(self.day)
        first = np.full(self.n_items, np.inf)
        np.minimum.at(first, self.log.item_codes[:last], self.log.days[:last])
        return first

    def shared(self) -> npt.NDArray[np.bool_]:
        """The items that more than one user had."""
        last = self.log.until(self.day)
        users, items = self.log.user_codes[:last], self.log.item_codes[:last]
        anyone = np.full(self.n_items, -1, np.int32)
        anyone[items] = users
        mask = np.zeros(self.n_items, np.bool_)
        mask[items[users != anyone[items]]] = True
        return mask
