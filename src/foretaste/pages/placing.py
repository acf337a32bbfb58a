"""The slots of one row: diversity, then pins, then the spacing of what is sponsored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from foretaste.pages.catalogue import Mask
from foretaste.pages.layout import Layout
from foretaste.pages.rows import Draft
from foretaste.pages.visit import Visit


class Choice(NamedTuple):
    """One candidate of a draft in its slot."""

    draft: Draft
    position: int
    sponsored: bool = False

    @property
    def code(self) -> int:
        """The item."""
        return int(self.draft.codes[self.position])


def place(draft: Draft, visit: Visit, layout: Layout, shown: Mask, *, is_first: bool) -> list[Choice]:
    """The slots of a row, from its candidates that the page does not show yet.

    What leaves its place by one step is replaced by the next candidate, so that a row is only short where there are
    none left.
    """
    free = np.arange(draft.codes.size)
    if not draft.spec.keeps_duplicates:
        free = free[~shown[draft.codes]]
    chosen = [Choice(draft, int(position)) for position in _varied(draft, visit, free, layout.columns)]
    if is_first:
        chosen = _pinned(chosen, visit, shown)
    return _spaced(chosen, visit, layout.columns, everywhere=draft.spec.kind == "sponsored")


def _varied(draft: Draft, visit: Visit, free: np.ndarray, n: int) -> Iterable[int]:
    """Positions in the order of the row's diversity; those it did not choose come after, for what is left out later."""
    if draft.spec.diversity is None:
        return free
    first = free[draft.spec.diversity.order(visit, draft.codes[free], draft.scores[free], n)]
    return np.concatenate([first, np.setdiff1d(free, first)])


def _pinned(chosen: list[Choice], visit: Visit, shown: Mask) -> list[Choice]:
    """With the best item of each pinning rule in its column."""
    for rule, mask in zip(visit.stage.campaigns.rules, visit.stage.campaigns.masks, strict=True):
        if rule.pin is not None:
            found = next((choice for choice in chosen if mask[choice.code]), None)
            if found is None:
                found = _fetched(chosen[0].draft, visit, mask & ~shown) if chosen else None
            if found is not None:
                rest = [choice for choice in chosen if choice.code != found.code]
                chosen = [*rest[: rule.pin - 1], found, *rest[rule.pin - 1 :]]
    return chosen


def _fetched(draft: Draft, visit: Visit, mask: Mask) -> Choice | None:
    """The best item of a mask that is not among a draft's candidates, scored as the draft is."""
    allowed = mask & visit.eligible & ~visit.seen
    if not allowed.any():
        return None
    return Choice(draft.spec.draft(visit, np.flatnonzero(allowed).astype(np.int32)), 0)


def _spaced(chosen: list[Choice], visit: Visit, n: int, *, everywhere: bool) -> list[Choice]:
    """The first n, with the sponsored ones marked: not more than their share, and apart from each other.

    One that is too early waits for its turn, and is left out where that does not come. So does one that would break
    the window of the row's diversity.
    """
    slots: list[Choice] = []
    waiting: list[Choice] = []
    counts = np.zeros(len(visit.stage.campaigns.rules), np.int64)
    candidates, last = iter(chosen), -n - 1
    diversity = chosen[0].draft.spec.diversity if chosen else None
    window = None if diversity is None else diversity.window
    attribute = None if window is None else visit.stage.catalogue.attribute(window.attribute)
    values: list[list[int]] = []  # of each slot

    def values_of(choice: Choice) -> list[int]:
        return [] if attribute is None else attribute.values_of(choice.code).tolist()

    def is_ready(choice: Choice) -> bool:
        place = visit.sponsor[choice.code]
        if place >= 0 and not everywhere:
            rule = visit.stage.campaigns.rules[place]
            if counts[place] + 1 > rule.max_share * n or len(slots) - last <= rule.spacing:
                return False
        return window is None or window.allows(values, values_of(choice))

    is_new = False  # whether there is a slot since those who wait were last looked at
    while len(slots) < n:
        ready = next(filter(is_ready, waiting), None) if is_new else None
        is_new = False
        if ready is None:
            ready = next(candidates, None)
            if ready is None:
                break
            waiting.append(ready)
            if not is_ready(ready):
                continue
        waiting.remove(ready)
        if visit.sponsor[ready.code] >= 0:
            ready = ready._replace(sponsored=True)
            counts[visit.sponsor[ready.code]] += 1
            last = len(slots)
        slots.append(ready)
        is_new = True
        values.append(values_of(ready))
    return slots
