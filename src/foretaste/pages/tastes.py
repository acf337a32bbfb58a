"""`Taste`: a group of things alike that somebody likes, and the number by which it is known from day to day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from foretaste._typing import Codes, Float32, Float64, Mask
from foretaste.kernels.linkage import average_linkage
from foretaste.pages.space import Space
from foretaste.pages.visit import Visit, gathered

# Numbers are handed on at so many liked events, and at each doubling: the steps stay where they are while a history
# grows, and all of them together cost little more than the last.
_FIRST_STEP = 16
# A group goes by the number of an earlier one only where the cosine of their centres is at least this.
_SAME = 0.5


class Taste(NamedTuple):
    """A group of things alike that somebody likes.

    Attributes
    ----------
    number : int
        By which it is known, from 1.
    members : int32 array of shape (n_members,)
        Items, the most typical first: those of the highest weight times cosine with the centre.
    centre : float32 array of shape (n_dimensions,)
        Weighted sum of the members' directions, of length 1.
    nearness : float32 array of shape (n_members,)
        Cosine of each member with the centre.
    weight : float
        Sum of the members' weights.
    since : int
        Which of the visitor's events made it a group: that of its member number `min_group`.
    """

    number: int
    members: Codes
    centre: Float32
    nearness: Float32
    weight: float
    since: int


def tastes(visit: Visit, space: Space, known: Mask, *, merge_cost: float, min_group: int, n: int) -> list[Taste]:
    r"""The tastes of a visitor, the one of most weight first.

    Of the last 500 liked items, those whose place in the space is `known` are joined, the two nearest groups first, by
    average linkage: two groups are as far apart as their members are on average, in 1 - cos. Groups farther apart than
    `merge_cost` stay apart. Each of at least `min_group` items is a taste; the n of most weight are taken, an item
    weighing :math:`s_j 2^{-a_j / h}`, s the strength and a the age of its event (as in PinnerSage: Pal and others
    2020).

    Numbers need no memory: the same is done with the first 16, 32, 64, ... liked events, as it would have been done
    then, and numbers pass from each of these steps to the next, and from the last to today, so that the sum of the
    cosines between the centres of equal number is highest (the Hungarian method; Kuhn 1955). What is like none of
    before (a cosine below 0.5) gets a number that is free.
    """
    items, days, strengths = visit.events
    liked = strengths > 0
    items, days, strengths = items[liked], days[liked], strengths[liked]
    half_life = visit.stage.settings.days("history_half_life")
    met, first = np.unique(items, return_index=True)
    found: list[Taste] = []
    step = _FIRST_STEP
    while items.size:
        last = min(step, items.size)
        ages = days[last - 1] - days[:last]  # of the weights only their proportions matter, and those do not age
        history = gathered(items[:last], ages, strengths[:last], half_life)
        of_use = known[history.codes]
        codes, weights = history.codes[of_use], history.weights[of_use]
        groups = _groups(space, codes, weights, first[np.searchsorted(met, codes)], merge_cost, min_group, n)
        found = _numbered(groups, found, n)
        if last == items.size:
            break
        step *= 2
    return found


def _groups(
    space: Space, codes: Codes, weights: Float32, since: npt.NDArray[np.intp], merge_cost: float, min_group: int, n: int
) -> list[Taste]:
    """The n groups of most weight, without numbers; `since` is the first event of each item."""
    if codes.size < min_group:
        return []
    labels = average_linkage(np.maximum(1 - space.between(codes, codes), 0), np.float32(merge_cost))
    large = np.flatnonzero(np.bincount(labels) >= min_group)
    heaviest = large[np.argsort(-np.bincount(labels, weights)[large], kind="stable")[:n]]
    members = [np.flatnonzero(labels == label) for label in heaviest]
    return [
        _taste(space, codes[own], weights[own], int(np.partition(since[own], min_group - 1)[min_group - 1]))
        for own in members
    ]


def _taste(space: Space, codes: Codes, weights: Float32, since: int) -> Taste:
    centre = space.centre(codes, weights)
    centre /= np.float32(max(float(np.linalg.norm(centre)), 1e-12))
    nearness = space.vectors[codes] @ centre
    order = np.lexsort((codes, -weights * nearness))
    return Taste(0, codes[order], centre, nearness[order], float(weights.sum(dtype=np.float64)), since)


def _numbered(groups: list[Taste], before: list[Taste], n: int) -> list[Taste]:
    """Groups with the numbers of those before they are most like; the others in the order they came to be."""
    numbers: dict[int, int] = {}
    if groups and before:
        cosines: Float64 = (
            np.array([taste.centre for taste in groups], np.float64)
            @ np.array([taste.centre for taste in before], np.float64).T
        )
        places: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]] = linear_sum_assignment(cosines, maximize=True)
        numbers = {
            int(now): before[then].number for now, then in zip(*places, strict=True) if cosines[now, then] >= _SAME
        }
    # a number nobody had is better than one that somebody knows as something else
    had = {taste.number for taste in before}
    free = sorted(set(range(1, n + 1)) - set(numbers.values()), key=lambda number: (number in had, number))
    newcomers = sorted(set(range(len(groups))) - set(numbers), key=lambda place: groups[place].since)
    numbers.update(zip(newcomers, free, strict=False))
    return [taste._replace(number=numbers[place]) for place, taste in enumerate(groups)]
