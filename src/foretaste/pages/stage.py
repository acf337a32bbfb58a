"""`Stage`: everything that pages are made from and that no visitor changes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Id, Mask
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import InvalidParameterError
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.crowd import Crowd, Log
from foretaste.pages.repeats import TIMINGS, Purchases, RepeatPurchases, Timing
from foretaste.pages.rules import Campaigns, Limits, Rule
from foretaste.pages.space import Space, SpaceName, check_space
from foretaste.pages.words import check_word, duration
from foretaste.utils.validation import Constraint, Float, check_parameters

# Signals of the crowd are those of the last full hour: pages of the same hour share them.
_HOURS_A_DAY = 24
# The signals of so many moments are kept: a page looks at its own and at the first of its day.
_KEPT = 16

_T = TypeVar("_T")


class Scorer(Protocol):
    """What a page needs of a model; every fitted model of foretaste is one."""

    predicts_ratings: bool
    scale_: tuple[float, float]
    kind_: str
    user_vocabulary_: Vocabulary
    item_vocabulary_: Vocabulary

    def score_codes(self, user_codes: Codes, *, exclude_seen: bool = True) -> Float32:
        """Scores of every item for some users, a row a user; a code of -1 is somebody unknown."""
        ...


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the signals are measured with; lengths of time are days, or texts such as "12h", "60d", "8w".

    Parameters
    ----------
    popularity_half_life, freshness_half_life, history_half_life : float or str
        After so long an event of everybody, the newness of an item, and an event of the visitor's own count half.
    trend_window : float or str
        The window whose events are compared with the four before.
    trend_shrinkage : float
        As many events as expected are added to both.
    repeat_horizon : float or str
        `due` is the probability that an item is bought again within so long from now.
    repeat_timing : {"log-normal", "poisson-gamma"}
        How the time from one purchase to the next is modelled: see `RepeatPurchases`.
    repeat_by : str, optional
        The column of the items, such as their category, that says which ones are bought alike: what is known of few
        purchases leans on it.
    repeat_shrinkage : float
        As many buyers of the category, and of everything, are added to those of an item.
    demand_window : float or str
        The window in which the repeat purchases of an item are compared with those expected.
    demand_shrinkage : float
        As many repeat purchases as expected are added to both.
    space : {"factors", "events", "content"}, optional
        Where likeness is measured: the model's factors, who had an item, or its attributes. By default the first of
        these there is.
    attributes : tuple of str
        The columns of the space "content".
    """

    popularity_half_life: float | str = "90d"
    freshness_half_life: float | str = "90d"
    history_half_life: float | str = "180d"
    trend_window: float | str = "7d"
    trend_shrinkage: float = 5.0
    repeat_horizon: float | str = "14d"
    repeat_timing: Timing = "log-normal"
    repeat_by: str | None = None
    repeat_shrinkage: float = 10.0
    demand_window: float | str = "4w"
    demand_shrinkage: float = 20.0
    space: SpaceName | None = None
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name.endswith(("_half_life", "_window", "_horizon")):
                self.days(field.name)
        # with 0 an item of which nothing is known would be 0 / 0
        shrinkages = ("trend_shrinkage", "repeat_shrinkage", "demand_shrinkage")
        constraints: dict[str, Constraint] = dict.fromkeys(shrinkages, Float(0, open_low=True))
        check_parameters("the signals of a page", {name: getattr(self, name) for name in constraints}, constraints)
        check_word(self.repeat_timing, TIMINGS, "the timing")
        check_space(self.space)

    def check(self, catalogue: Catalogue) -> None:
        """Raise `InvalidParameterError` where the items do not have the columns that likeness is measured by."""
        for name in (*self.attributes, *([] if self.repeat_by is None else [self.repeat_by])):
            catalogue.attribute(name)

    def days(self, name: str) -> float:
        """One of the lengths of time, in days."""
        return duration(getattr(self, name), f"{name!r}")


class Stage:
    """A model, the events, what is known of the items, and the rules, brought into the model's codes.

    Attributes
    ----------
    model : Scorer
    catalogue : Catalogue
    log : Log
    settings : Settings
    campaigns : Campaigns
    limits : Limits
    boosts : float32 array of shape (n_items,)
        What the rules that nobody pays for multiply scores by.
    """

    def __init__(
        self, model: Scorer, events: Interactions, catalogue: Catalogue, settings: Settings, rules: tuple[Rule, ...]
    ) -> None:
        self.model = model
        self.catalogue = catalogue
        self.log = Log.of(events, model.item_vocabulary_)
        self.settings = settings
        self.campaigns = Campaigns.of(rules, catalogue)
        self.limits = Limits.of(self.campaigns, catalogue)
        self.boosts = self.campaigns.boosts(self.n_items)
        self._spaces: dict[str, Space] = {}
        self._crowd: dict[tuple[str, float], Any] = {}

    def with_rules(self, rules: tuple[Rule, ...]) -> Stage:
        """The same with other rules; what was measured already is shared."""
        other = copy.copy(self)
        other.campaigns = Campaigns.of(rules, self.catalogue)
        other.limits = Limits.of(other.campaigns, self.catalogue)
        other.boosts = other.campaigns.boosts(self.n_items)
        return other

    @property
    def n_items(self) -> int:
        """Number of items the model knows."""
        return len(self.model.item_vocabulary_)

    def user_codes(self, user: Id) -> tuple[int, int]:
        """A user's code in the model and in the log; -1 where unknown."""
        return self.model.user_vocabulary_.encode_one(user), self.log.users.encode_one(user)

    def item_codes(self, items: Iterable[Id]) -> Codes:
        """The codes of a few items, without those that the model does not know."""
        codes = np.array([self.model.item_vocabulary_.encode_one(item) for item in items], np.int32)
        return codes[codes >= 0]

    # Likeness -------------------------------------------------------------------------------------------------------

    def space(self, name: SpaceName | None = None) -> Space:
        """Where likeness is measured; that of the settings, or one by its name.

        Raises
        ------
        InvalidParameterError
            The model has no factors, or the catalogue no attributes to measure it by.
        """
        check_space(name)
        name = name or self.settings.space or ("factors" if self._has_factors else "events")
        if name not in self._spaces:
            self._spaces[name] = {"factors": self._of_factors, "events": self._of_events, "content": self._of_content}[
                name
            ]()
        return self._spaces[name]

    @property
    def _has_factors(self) -> bool:
        factors = getattr(self.model, "item_factors_", None)
        return factors is not None and factors.shape[1] > 0

    def _of_factors(self) -> Space:
        if not self._has_factors:
            message = f"{type(self.model).__name__} has no factors to measure likeness by. Hint: space = 'events'."
            raise InvalidParameterError(message)
        return Space(self.model.item_factors_)  # type: ignore[attr-defined]  # just looked for

    def _of_events(self) -> Space:
        rows = SparseRows.of_entries(self.log.item_codes, self.n_items, self.log.user_codes)
        return Space.of_rows(rows, len(self.log.users))

    def _of_content(self) -> Space:
        if not self.settings.attributes:
            message = "likeness by content needs the columns to look at. Hint: attributes = ['genres']."
            raise InvalidParameterError(message)
        given = [self.catalogue.attribute(name) for name in self.settings.attributes]
        starts = np.cumsum([0, *(len(attribute.values) for attribute in given)])
        items = np.concatenate([attribute.of_items.row_codes() for attribute in given])
        columns = np.concatenate(
            [attribute.of_items.indices + np.int32(start) for attribute, start in zip(given, starts, strict=False)]
        )
        return Space.of_rows(SparseRows.of_entries(items, self.n_items, columns), int(starts[-1]))

    # The crowd ------------------------------------------------------------------------------------------------------

    def popularity(self, day: float) -> Float32:
        """The signal, as of the last full hour."""
        half_life = self.settings.days("popularity_half_life")
        return self._hourly("popularity", day, lambda crowd: crowd.popularity(half_life))

    def trending(self, day: float) -> Float32:
        """The signal, as of the last full hour."""
        window, shrinkage = self.settings.days("trend_window"), self.settings.trend_shrinkage
        return self._hourly("trending", day, lambda crowd: crowd.trending(window, shrinkage))

    def freshness(self, day: float) -> Float32:
        """The signal, as of the last full hour."""
        return self._hourly("freshness", day, self._freshness)

    def to_come(self, day: float) -> Mask:
        """The items whose `released` is after a moment."""
        if "released" not in self.catalogue.frame.columns:
            return np.zeros(self.n_items, np.bool_)
        return self._released > day

    @cached_property
    def _released(self) -> Float64:
        return self.catalogue.days("released")

    def shared(self, day: float) -> Mask:
        """The items that more than one user had, as of the last full hour."""
        return self._hourly("shared", day, lambda crowd: crowd.shared())

    def value_counts(self, attribute: str, day: float) -> Float64:
        """How often each value of an attribute occurs in what everybody had, as of the last full hour."""

        def counts(crowd: Crowd) -> Float64:
            items = crowd.log.item_codes[: crowd.log.until(crowd.day)]
            return self.catalogue.attribute(attribute).counts(items, np.ones(items.size))

        return self._hourly(f"values of {attribute}", day, counts)

    def _freshness(self, crowd: Crowd) -> Float32:
        first = crowd.first_days()
        if "released" in self.catalogue.frame.columns:
            first = np.where(np.isnan(self._released), first, self._released)
        age = np.maximum(crowd.day - first, 0)
        fresh = np.exp2(-age / self.settings.days("freshness_half_life"))
        return np.where(np.isfinite(first), fresh, 1).astype(np.float32)

    def repeats(self, day: float) -> RepeatPurchases:
        """Who buys what again, as of the beginning of the day; where the events end before, of the day after them."""

        def learned(crowd: Crowd) -> RepeatPurchases:
            settings = self.settings
            return RepeatPurchases(
                self._purchases,
                crowd.day,
                self.n_items,
                categories=None if settings.repeat_by is None else self.catalogue.attribute(settings.repeat_by).shares,
                timing=settings.repeat_timing,
                shrinkage=settings.repeat_shrinkage,
                window=settings.days("demand_window"),
                demand_shrinkage=settings.demand_shrinkage,
            )

        # beyond the last event it is not that nobody bought, but that nobody has told
        today = np.floor(day)
        n_before = self.log.until(today)
        last = np.floor(self.log.days[n_before - 1]) if n_before else today
        return self._kept("repeats", min(today, last + 1), learned)

    @cached_property
    def _purchases(self) -> Purchases:
        return Purchases.of(self.log)

    def _hourly(self, name: str, day: float, measure: Callable[[Crowd], _T]) -> _T:
        return self._kept(name, np.floor(day * _HOURS_A_DAY) / _HOURS_A_DAY, measure)

    def _kept(self, name: str, day: float, measure: Callable[[Crowd], _T]) -> _T:
        """What was measured at a moment; of the moments asked for last, it is kept."""
        found: _T | None = self._crowd.get((name, day))
        if found is None:
            found = measure(Crowd(self.log, day, self.n_items))
            # another thread may keep and drop at the same time, so that nothing is looked up twice
            for oldest in list(self._crowd)[: 1 - _KEPT]:
                self._crowd.pop(oldest, None)
            self._crowd[name, day] = found
        return found
