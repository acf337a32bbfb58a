"""`Visit`: one person at one moment; what several rows need is computed once, when the first one asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Id, Mask
from foretaste.data.moments import day_of, moment
from foretaste.exceptions import InvalidParameterError
from foretaste.kernels.pages import add_signal, reaching
from foretaste.pages import rules, signals
from foretaste.pages.blend import Blend
from foretaste.pages.repeats import Pairs
from foretaste.pages.stage import Stage

# As many of the best by a blend are sorted once, and rows look among them first.
_LEADERS = 4096
# As many of a visitor's items, the last ones, stand for what the visitor likes.
_LONGEST_HISTORY = 500
# The best of very many are looked for above a border that every so manieth tells.
_SAMPLED = 16


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

    def __post_init__(self) -> None:
        is_age = isinstance(self.age, (int, float, np.integer, np.floating)) and not isinstance(self.age, bool)
        if self.age is not None and not (is_age and 0 <= self.age < float("inf")):
            message = f"'age' of a visitor must be a number of years or None, got {self.age!r}."
            raise InvalidParameterError(message)
        if isinstance(self.blocked, str):
            message = f"'blocked' of a visitor must be several ids, as in [{self.blocked!r}], got {self.blocked!r}."
            raise InvalidParameterError(message)
        # they are looked at more than once, and an iterator would be empty by then
        object.__setattr__(self, "blocked", tuple(self.blocked))
        object.__setattr__(self, "shown", tuple(self.shown))


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
        self._sums: dict[tuple[tuple[str, float], ...], Float32] = {}
        self._blended: dict[tuple[Blend, bool], Float32] = {}
        self._leaders: dict[tuple[Blend, bool], Codes] = {}
        self._asked: set[tuple[Blend, bool]] = set()
        self.model_code, self.log_code = stage.user_codes(user)

    @property
    def n_items(self) -> int:
        """Number of items there are."""
        return self.stage.n_items

    @property
    def known_as(self) -> str:
        """The user as text, however the id was written: 7 of NumPy is 7."""
        return str(self.stage.log.users.decode_one(self.log_code) if self.log_code >= 0 else self.user)

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
        return gathered(
            items, self.stage.log.ages(days, self.day), strengths, self.stage.settings.days("history_half_life")
        )

    @cached_property
    def morning(self) -> Visit:
        """The visit as it would have been when its date began, for what is made once a day.

        On somebody's first day, of whom nothing was known then, the visit as it is.
        """
        earlier = Visit(self.stage, self.user, datetime.combine(self.at, time()), self.visitor, seen=self._policy)
        earlier.scores = self.scores  # whatever the time
        return earlier if earlier.events[0].size else self

    @cached_property
    def seen(self) -> Mask:
        """Whether the visitor has had each item."""
        mask = np.zeros(self.n_items, np.bool_)
        mask[self.events[0]] = True
        return mask

    @cached_property
    def progress(self) -> tuple[Codes, Float32]:
        """What was started and not finished: items, and the share that is done."""
        started = {item: share for item, share in self.visitor.progress.items() if 0 < share < 1}
        vocabulary = self.stage.model.item_vocabulary_
        known = sorted((code, share) for item, share in started.items() if (code := vocabulary.encode_one(item)) >= 0)
        return np.array([code for code, _ in known], np.int32), np.array([share for _, share in known], np.float32)

    # What may be shown, and how much it is worth --------------------------------------------------------------------

    @cached_property
    def eligible(self) -> Mask:
        """What may be shown at all: `rules.eligible`."""
        return rules.eligible(self)

    def allowed(self, *, seen_too: bool) -> Mask:
        """What is eligible, and unless `seen_too` not hidden because the visitor has had it."""
        return self.eligible if seen_too or self._policy != "hide" else self._unseen

    @cached_property
    def _unseen(self) -> Mask:
        return self.eligible & ~self.seen

    @cached_property
    def _campaigns(self) -> tuple[Float32, Codes]:
        """By item: the product of boosts, and the sponsored rule that applies to it (-1: none)."""
        boosts, sponsor = self.stage.boosts, np.full(self.n_items, -1, np.int32)
        for place, (rule, mask) in enumerate(zip(self.stage.campaigns.rules, self.stage.campaigns.masks, strict=True)):
            if rule.sponsored:
                items = np.flatnonzero(mask & (self.signal("predicted") >= rule.floor) & (sponsor < 0))
                if rule.cap is not None:
                    items = np.setdiff1d(items, self._worn_out(rule.cap), assume_unique=True)
                sponsor[items] = place
                boosts = boosts.copy()
                boosts[items] *= np.float32(rule.boost)
        return boosts, sponsor

    def _worn_out(self, cap: rules.Cap) -> Codes:
        """The items that were shown as often as a cap allows."""
        recent = [item for item, day in self._shown if 0 <= self.day - day < cap.days]
        codes, counts = np.unique(self.stage.item_codes(recent), return_counts=True)
        return codes[counts >= cap.per_user]

    @cached_property
    def _shown(self) -> list[tuple[Id, float]]:
        """What was shown before, and on which day."""
        return [(item, day_of(moment(time))) for item, time in self.visitor.shown]

    def worth(self, *, faded: bool) -> Float32:
        """What each item's score is multiplied by: the boosts of rules, and if `faded` the discount of what was had."""
        return self._faded if faded and self._policy == "discount" else self._campaigns[0]

    @cached_property
    def _faded(self) -> Float32:
        return self._campaigns[0] * self._discount

    @cached_property
    def _discount(self) -> Float32:
        """1, and for what the visitor has had 1 - 2^(-age / half-life)."""
        kept = np.ones(self.n_items, np.float32)
        items, days, _ = self.events
        fading = np.exp2(-self.stage.log.ages(days, self.day) / self.stage.settings.days("history_half_life"))
        kept[items] = 1 - fading  # oldest first, so that the last of an item's events is the one that stays
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
        if replaced:
            total = self._sum(tuple((name, weight) for name, weight in blend if name not in replaced))
            *others, (name, signal) = replaced.items()
            for other, values in others:
                total = total + np.float32(blend.weights.get(other, 0)) * values
            scores = np.empty(self.n_items, np.float32)
            add_signal(total, blend.weights.get(name, 0.0), signal, self.worth(faded=faded), scores)
            return scores
        if (blend, faded) not in self._blended:
            self._blended[blend, faded] = self._sum(tuple(blend)) * self.worth(faded=faded)
        return self._blended[blend, faded]

    def _sum(self, weights: tuple[tuple[str, float], ...]) -> Float32:
        """The weighted sum of some signals."""
        if weights not in self._sums:
            total = np.zeros(self.n_items, np.float32)
            for name, weight in weights:
                total += np.float32(weight) * self.signal(name)
            self._sums[weights] = total
        return self._sums[weights]

    def leaders(self, blend: Blend, *, faded: bool = True) -> tuple[Codes, bool]:
        """The best by a blend of what may be shown, seen or not, best first, and whether that is all there is."""
        self._asked.add((blend, faded))
        if (blend, faded) not in self._leaders:
            self._leaders[blend, faded] = best(self.blended(blend, faded=faded), self.eligible, _LEADERS)
        codes = self._leaders[blend, faded]
        return codes, codes.size < _LEADERS

    def first(self, blend: Blend, allowed: Mask, n: int, *, faded: bool = True) -> Codes:
        """The n best by a blend of what is allowed, best first: among the leaders, or where these are few among all."""
        leaders, all_of_them = self.leaders(blend, faded=faded)
        found = leaders[allowed[leaders]][:n]
        return found if all_of_them or found.size == n else best(self.blended(blend, faded=faded), allowed, n)

    def is_shared(self, blend: Blend, *, faded: bool) -> bool:
        """Whether the best by a blend were asked for before, so that it pays to sort many of them once."""
        was_asked = (blend, faded) in self._asked
        self._asked.add((blend, faded))
        return was_asked


def gathered(items: Codes, ages: Float64, strengths: Float32, half_life: float) -> History:
    """Events, oldest first, item by item; at most the last 500 items."""
    latest = items[::-1]
    codes, first, place = np.unique(latest, return_index=True, return_inverse=True)
    strongest = np.zeros(codes.size, np.float32)
    np.maximum.at(strongest, place, strengths[::-1])
    order = np.argsort(first, kind="stable")[:_LONGEST_HISTORY]
    ages, kept = ages[::-1][first[order]], strongest[order]
    return History(codes[order], ages, kept, (kept * np.exp2(-ages / half_life)).astype(np.float32))


def best(scores: Float32, allowed: Mask | Codes, n: int) -> Codes:
    """The codes of the n highest scores among those allowed, highest first; among equals the lower code first.

    Parameters
    ----------
    scores : float32 array of shape (n_items,)
    allowed : bool array of shape (n_items,), or int32 array of codes that ascend
    n : int
    """
    if allowed.dtype != np.bool_:
        given: Codes = allowed  # type: ignore[assignment]  # as its type says
        return _sorted(given, scores[given], n)
    return _best_of_all(scores, allowed, n)  # type: ignore[arg-type]  # as its type says


def _best_of_all(scores: Float32, allowed: Mask, n: int) -> Codes:
    sample = scores[::_SAMPLED][allowed[::_SAMPLED]]
    rank = 2 * n // _SAMPLED + _SAMPLED  # of the sample, which about twice as many as n reach
    found, codes = 0, np.empty(scores.size, np.int32)
    if rank < sample.size:
        found = reaching(scores, allowed, np.partition(sample, -rank)[-rank], codes)
    if found < n:
        found = reaching(scores, allowed, -np.inf, codes)
    codes = codes[:found]
    return _sorted(codes, scores[codes], n)


def _sorted(codes: Codes, scores: Float32, n: int) -> Codes:
    """The first n by score; `codes` ascend."""
    if codes.size > n:
        border = np.partition(scores, codes.size - n)[codes.size - n]
        above = np.flatnonzero(scores > border)
        # of those at the border, the lowest codes
        place = np.sort(np.concatenate([above, np.flatnonzero(scores == border)[: n - above.size]]))
        codes, scores = codes[place], scores[place]
    return codes[np.argsort(-scores, kind="stable")]
