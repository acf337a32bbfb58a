"""The slots of one row: diversity, then pins, then the spacing of what is sponsored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foretaste._typing import Mask
from foretaste.pages.layout import Layout
from foretaste.pages.rows import Draft
from foretaste.pages.rules import Rule
from foretaste.pages.visit import Visit

# Shares such as 0.29 are a little off in binary, so that 0.29 of 100 would be 28.
_ROUNDING = 1e-9


class Choice(NamedTuple):
    """One candidate of a draft for a slot: its item, and the place of the sponsored rule that applies to it, or -1."""

    draft: Draft
    position: int
    code: int
    rule: int

    @property
    def sponsored(self) -> bool:
        """Whether somebody pays for it."""
        return self.rule >= 0


def place(draft: Draft, visit: Visit, layout: Layout, shown: Mask, *, takes_pins: bool) -> list[Choice]:
    """The slots of a row, from its candidates that the page does not show yet.

    What leaves its place by one step is replaced by the next candidate, so that a row is only short where there are
    none left.
    """
    free = np.arange(draft.codes.size)
    if not draft.spec.keeps_duplicates:
        free = free[~shown[draft.codes]]
    order = _varied(draft, visit, free, layout.columns)
    pins = _pins(draft, visit, order, shown, layout.columns) if takes_pins and order.size else {}
    whole = layout.columns
    while True:
        row = _Filling(draft, visit, layout.columns, whole)
        row.fill(_choices(draft, visit, order), pins)
        if row.keeps_shares():
            return row.slots
        whole = len(row.slots)  # shorter than it was meant to be, so that the shares are of less


def _choices(draft: Draft, visit: Visit, order: npt.NDArray[np.intp]) -> Iterator[Choice]:
    """Some candidates; made one by one, as few of them find a slot."""
    codes = draft.codes[order]
    return map(Choice, repeat(draft), order.tolist(), codes.tolist(), visit.sponsor[codes].tolist())


def _varied(draft: Draft, visit: Visit, free: npt.NDArray[np.intp], n: int) -> npt.NDArray[np.intp]:
    """Positions in the order of the row's diversity; those it did not choose come after, for what is left out later."""
    if draft.spec.diversity is None:
        return free
    first = free[draft.spec.diversity.order(visit, draft.codes[free], draft.scores[free], n)]
    return np.concatenate([first, np.setdiff1d(free, first)])


def _pins(draft: Draft, visit: Visit, order: npt.NDArray[np.intp], shown: Mask, n: int) -> dict[int, Choice]:
    """By column from 0, the best item of each pinning rule; where two want the same column the later moves on."""
    pins: dict[int, Choice] = {}
    for number, (rule, mask) in enumerate(zip(visit.stage.campaigns.rules, visit.stage.campaigns.masks, strict=True)):
        column = n if rule.pin is None else rule.pin - 1
        while column in pins:
            column += 1
        if column >= n:
            continue
        # where a sponsored rule does not apply it pins nothing either: what it brought there would not be labelled
        left = mask & (visit.sponsor == number) if rule.sponsored else mask.copy()
        left[[choice.code for choice in pins.values()]] = False
        among = order[left[draft.codes[order]]][:1]
        found = next(_choices(draft, visit, among) if among.size else _fetched(draft, visit, left & ~shown), None)
        if found is not None:
            pins[column] = found
    return dict(sorted(pins.items()))


def _fetched(draft: Draft, visit: Visit, mask: Mask) -> Iterator[Choice]:
    """The best item of a mask that is not among a draft's candidates, by the blend of the row, if there is one."""
    allowed = mask & visit.allowed(seen_too=draft.spec.shows_seen)
    codes, terms = draft.spec.ranked(visit, np.flatnonzero(allowed).astype(np.int32))
    return _choices(Draft(draft.spec, draft.title, codes, terms), visit, np.arange(min(codes.size, 1)))


class _Filling:
    """Slots, filled from the left.

    What is sponsored is marked, not more of it taken than its share, and kept apart from other sponsored slots. What is
    too early, or would break the window of the row's diversity, waits for its turn, and is left out where that does not
    come. A row of the kind "sponsored" has no share and no spacing.

    Parameters
    ----------
    n : int
        Slots there are.
    whole : int
        Slots that the shares are of.
    """

    def __init__(self, draft: Draft, visit: Visit, n: int, whole: int) -> None:
        self.slots: list[Choice] = []
        self._n, self._rules = n, visit.stage.campaigns.rules
        self._limited = draft.spec.kind != "sponsored"
        self._left = [int(rule.max_share * whole + _ROUNDING) for rule in self._rules]  # of each rule's share
        self._waiting: list[Choice] = []
        self._ahead: dict[int, Rule] = {}  # of the sponsored pins to come, by column
        self._last: tuple[int, Rule] | None = None  # the sponsored slot before
        self._window = None if draft.spec.diversity is None else draft.spec.diversity.window
        self._attribute = None if self._window is None else visit.stage.catalogue.attribute(self._window.attribute)
        self._values: list[list[int]] = []  # of each slot, for the window

    def fill(self, candidates: Iterator[Choice], pins: Mapping[int, Choice]) -> None:
        """Fill all there are, or as many as can be."""
        pins = self._fitting(pins)
        taken = {choice.code for choice in pins.values()}
        is_new = False  # whether there is a slot since those who wait were last looked at
        while len(self.slots) < self._n:
            ready = pins.pop(len(self.slots), None)
            if ready is None and is_new and self._waiting:
                ready = next(filter(self._fits, self._waiting), None)
                if ready is not None:
                    self._waiting.remove(ready)
            is_new = False
            if ready is None:
                ready = next(candidates, None)
                if ready is None:
                    break
                if ready.code in taken:  # an item is in a row once, whatever the kind of row says
                    continue
                taken.add(ready.code)
                if not self._fits(ready):
                    self._wait(ready)
                    continue
            self._add(ready)
            is_new = True
        self._ahead = {}
        for choice in pins.values():  # the row does not reach their columns: the last ones they stand in
            if len(self.slots) < self._n and (not self._counts(choice) or self._is_apart(self._rules[choice.rule])):
                self._add(choice)

    def keeps_shares(self) -> bool:
        """Whether no rule has more than its share of the slots there are."""
        counts = Counter(choice.rule for choice in self.slots if self._counts(choice))
        return all(
            count <= self._rules[place].max_share * len(self.slots) + _ROUNDING for place, count in counts.items()
        )

    def _counts(self, choice: Choice) -> bool:
        """Whether share and spacing hold for it."""
        return choice.sponsored and self._limited

    def _fitting(self, pins: Mapping[int, Choice]) -> dict[int, Choice]:
        """The pins but for sponsored ones that are too many or too close together; their share is taken."""
        kept: dict[int, Choice] = {}
        last: tuple[int, Rule] | None = None
        for column, choice in pins.items():
            if self._counts(choice):
                rule = self._rules[choice.rule]
                if self._left[choice.rule] < 1 or (last is not None and column - last[0] <= _gap(rule, last[1])):
                    continue
                last = column, rule
                self._left[choice.rule] -= 1
                self._ahead[column] = rule
            kept[column] = choice
        return kept

    def _is_apart(self, rule: Rule) -> bool:
        """Whether the next slot is far enough from the sponsored one before it, and from the pins to come."""
        column, last = len(self.slots), self._last
        return (last is None or column - last[0] > _gap(rule, last[1])) and all(
            pin - column > _gap(rule, other) for pin, other in self._ahead.items()
        )

    def _fits(self, choice: Choice) -> bool:
        if self._counts(choice) and (self._left[choice.rule] < 1 or not self._is_apart(self._rules[choice.rule])):
            return False
        return self._window is None or self._window.allows(self._values, self._values_of(choice))

    def _wait(self, choice: Choice) -> None:
        """Keep it for later, but not behind as many of the same rule as there is a share for."""
        if self._window is None and self._counts(choice):
            before = sum(other.rule == choice.rule for other in self._waiting)
            if before >= self._left[choice.rule]:
                return
        self._waiting.append(choice)

    def _values_of(self, choice: Choice) -> list[int]:
        return [] if self._attribute is None else self._attribute.values_of(choice.code).tolist()

    def _add(self, choice: Choice) -> None:
        column = len(self.slots)
        if self._counts(choice):
            if self._ahead.pop(column, None) is None:
                self._left[choice.rule] -= 1
            self._last = column, self._rules[choice.rule]
        self.slots.append(choice)
        if self._window is not None:
            self._values.append(self._values_of(choice))


def _gap(rule: Rule, other: Rule) -> int:
    """How many slots have to lie between two sponsored ones."""
    return max(rule.spacing, other.spacing)
