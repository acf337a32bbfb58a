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

    One that is too early waits for its turn, and is left out where that does not come.
    """
    slots: list[Choice] = []
    waiting: list[Choice] = []
    counts = np.zeros(len(visit.stage.campaigns.rules), np.int64)
    candidates, last = iter(chosen), -n - 1

    def is_ready(choice: Choice) -> bool:
        place = visit.sponsor[choice.code]
        rule = visit.stage.campaigns.rules[place]
        fits = counts[place] + 1 <= rule.max_share * n and len(slots) - last > rule.spacing
        return everywhere or bool(fits)

    while len(slots) < n:
        ready = next(filter(is_ready, waiting), None)
        if ready is not None:
            waiting.remove(ready)
            counts[visit.sponsor[ready.code]] += 1
            last = len(slots)
            slots.append(ready._replace(sponsored=True))
            continue
        following = next(candidates, None)
        if following is None:
            break
        (waiting if visit.sponsor[following.code] >= 0 else slots).append(following)
    return slots
