"""`Visit`: one person at one moment; what several rows need is computed once, when the first one asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Id
from foretaste.data.moments import day_of, moment
from foretaste.pages import rules, signals
from foretaste.pages.blend import Blend
from foretaste.pages.catalogue import Mask
from foretaste.pages.repeats import Pairs
from foretaste.pages.stage import Stage

# As many of the best by a blend are sorted once, and rows look among them first.
_LEADERS = 4096
# As many of a visitor's items, the last ones, stand for what the visitor likes.
_LONGEST_HISTORY = 500


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """What is known of a person besides the events.

    Parameters
    ----------
    age : float, optional
        In years. Without it, items with a `min_age` are not shown.
    blocked : collection of ids
        Items never to be shown.
    progress : dict
        By item, the share that is done of what was started and not finished, above 0 and below 1.
    shown : iterable of (item, time)
        Sponsored items that were shown before, for the caps of rules.
    """

    age: float | None = None
    blocked: Collection[Id] = ()
    progress: Mapping[Id, float] = field(default_factory=dict)
    shown: Iterable[tuple[Id, Any]] = ()


class History(NamedTuple):
    """What a visitor had before the moment: an entry an item, the latest first.

    `ages` are days since the last event of the item, `strengths` the largest of its events' strengths, and `weights`
    are strengths that fade with age.
    """

    codes: Codes
    ages: Float64
    strengths: Float32
    weights: Float32


class Visit:
    """One person at one moment.

    Attributes
    ----------
    stage : Stage
    user : hashable
    at : datetime
    day : float
        The moment in days since 1970.
    visitor : Visitor
    """

    def __init__(
        self, stage: Stage, user: Id, at: datetime, visitor: Visitor, *, seen: Literal["hide", "discount", "allow"]
    ) -> None:
        self.stage, self.user, self.at, self.visitor, self._policy = stage, user, at, visitor, seen
        self.day = day_of(at)
        self._signals: dict[str, Float32] = {}
        self._leaders: dict[Blend, Codes] = {}
        self.model_code, self.log_code = stage.user_codes(user)

    @property
    def n_items(self) -> int:
        """Number of items there are."""
        return self.stage.n_items

    # What is known of the visitor -----------------------------------------------------------------------------------

    @cached_property
    def scores(self) -> Float32:
        """The model's score of every item."""
        row = self.stage.model.score_codes(np.array([self.model_code], np.int32), exclude_seen=False)
        return np.ascontiguousarray(row[0])

    @cached_property
    def events(self) -> tuple[Codes, Float64, Float32]:
        """Items, days and strengths of the visitor's events before the moment, oldest first."""
        log = self.stage.log
        own = log.of_user(self.log_code, self.day) if self.log_code >= 0 else np.zeros(0, np.int64)
        return log.item_codes[own], log.days[own], log.strengths[own]

    @cached_property
    def history(self) -> History:
        """What the visitor had, item by item, the latest first; at most the last 500 items."""
        items, days, strengths = self.events
        latest = items[::-1]
        codes, first, place = np.unique(latest, return_index=True, return_inverse=True)
        strongest = np.zeros(codes.size, np.float32)
        np.maximum.at(strongest, place, strengths[::-1])
        order = np.argsort(first, kind="stable")[:_LONGEST_HISTORY]
        ages = np.maximum(self.day - days[::-1][first[order]], 0)
        fading = np.exp2(-ages / self.stage.settings.days("history_half_life"))
        kept = strongest[order]
        return History(codes[order], ages, kept, (kept * fading).astype(np.float32))

    @cached_property
    def seen(self) -> Mask:
        """Whether the visitor has had each item."""
        mask = np.zeros(self.n_items, np.bool_)
        mask[self.events[0]] = True
        return mask

    @cached_property
    def progress(self) -> tuple[Codes, Float32]:
        """What was started and not finished: items, and the share that is done."""
        codes = self.stage.catalogue.items.encode(list(self.visitor.progress))
        shares = np.array(list(self.visitor.progress.values()), np.float32)
        started = (codes >= 0) & (shares > 0) & (shares < 1)
        return codes[started], shares[started]

    # What may be shown, and how much it is worth --------------------------------------------------------------------

    @cached_property
    def eligible(self) -> Mask:
        """What may be shown at all: `rules.eligible`."""
        return rules.eligible(self)

    @cached_property
    def _campaigns(self) -> tuple[Float32, Codes]:
        """By item: the product of boosts, and the sponsored rule that applies to it (-1: none)."""
        boosts, sponsor = np.ones(self.n_items, np.float32), np.full(self.n_items, -1, np.int32)
        for place, (rule, mask) in enumerate(zip(self.stage.campaigns.rules, self.stage.campaigns.masks, strict=True)):
            if rule.sponsored:
                mask = mask & (self.signal("predicted") >= rule.floor) & ~self._worn_out(place)  # noqa: PLW2901
                sponsor[mask & (sponsor < 0)] = place
            boosts[mask] *= np.float32(rule.boost)
        return boosts, sponsor

    def _worn_out(self, place: int) -> Mask:
        """The items that were shown as often as a rule's cap allows."""
        mask, cap = np.zeros(self.n_items, np.bool_), self.stage.campaigns.rules[place].cap
        if cap is not None:
            recent = [item for item, time in self.visitor.shown if 0 <= self.day - day_of(moment(time)) < cap.days]
            codes = self.stage.catalogue.items.encode(recent) if recent else np.zeros(0, np.int32)
            mask |= np.bincount(codes[codes >= 0], minlength=self.n_items) >= cap.per_user
        return mask

    def worth(self, *, faded: bool) -> Float32:
        """What each item's score is multiplied by: the boosts of rules, and if `faded` the discount of what was had."""
        boosts = self._campaigns[0]
        return boosts * self._discount if faded and self._policy == "discount" else boosts

    @cached_property
    def _discount(self) -> Float32:
        """1, and for what the visitor has had 1 - 2^(-age / half-life)."""
        kept = np.ones(self.n_items, np.float32)
        items, days, _ = self.events
        ages = np.maximum(
            self.day - days, 0
        )  # oldest first, so that the last of an item's events is the one that stays
        kept[items] = 1 - np.exp2(-ages / self.stage.settings.days("history_half_life"))
        return kept

    @property
    def sponsor(self) -> Codes:
        """The place of the sponsored rule that applies to each item; -1 where none does."""
        return self._campaigns[1]

    @cached_property
    def purchases(self) -> Pairs:
        """What the visitor bought before, item by item."""
        items, days, _ = self.events
        return Pairs.of_user(items, days)

    @cached_property
    def due(self) -> Float32:
        """With what probability the visitor buys each item again within the horizon; 0 of what was never bought."""
        soon = np.zeros(self.n_items, np.float32)
        horizon = self.stage.settings.days("repeat_horizon")
        repeats = self.stage.repeats(self.day)
        soon[self.purchases.items] = repeats.probability(self.purchases, self.day, horizon)
        return soon

    def signal(self, name: str) -> Float32:
        """A signal of every item."""
        if name not in self._signals:
            self._signals[name] = signals.FUNCTIONS[name](self)
        return self._signals[name]

    def blended(self, blend: Blend, replaced: Mapping[str, Float32] | None = None, *, faded: bool = True) -> Float32:
        """The score of every item by a blend, times its `worth`; `replaced` holds signals that mean something else."""
        replaced = replaced or {}
        total = np.zeros(self.n_items, np.float32)
        for name, weight in blend:
            total += np.float32(weight) * (replaced[name] if name in replaced else self.signal(name))
        total *= self.worth(faded=faded)
        return total

    def leaders(self, blend: Blend) -> tuple[Codes, bool]:
        """The best by a blend of what may be shown, seen or not, best first, and whether that is all there is."""
        if blend not in self._leaders:
            self._leaders[blend] = best(self.blended(blend), self.eligible, _LEADERS)
        codes = self._leaders[blend]
        return codes, codes.size < _LEADERS


def best(scores: Float32, allowed: Mask | Codes, n: int) -> Codes:
    """The codes of the n highest scores among those allowed, highest first; among equals the lower code first."""
    codes: Codes = np.flatnonzero(allowed).astype(np.int32) if allowed.dtype == np.bool_ else allowed  # type: ignore[assignment]  # as its type says
    chosen = scores[codes]
    if codes.size > n:
        place = np.argpartition(-chosen, n - 1)
        border = chosen[place[n - 1]]
        # of those at the border, the lowest codes: a partition alone would take any of them
        above = np.flatnonzero(chosen > border)
        place = np.concatenate([above, np.flatnonzero(chosen == border)[: n - above.size]])
        codes, chosen = codes[place], chosen[place]
    return codes[np.lexsort((codes, -chosen))]
