"""What the items at the two ends of a coordinate have in common, if anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import gammainc, gammaincc, ndtr
from scipy.stats import hypergeom, rankdata

from foretaste._typing import Codes, Float64
from foretaste.data.vocabulary import Column
from foretaste.latent._attributes import Attributes

End: TypeAlias = Literal["low", "high"]

UNNAMED = "unnamed"
_MOST_WORDS = 3
_SYMMETRIC = 1e-6  # skewness below which a gamma distribution is a normal one


class Evidence(NamedTuple):
    """An attribute that the items at one end have more of than others.

    Attributes
    ----------
    attribute : str
    word : str
        What it adds to a name: "Comedy", or "high year" and "low year" for a number.
    among, overall : float
        Share of the items at this end, and of all described, that have it; of a number the mean, in
        standard deviations.
    p_value, corrected : float
        By chance alone; and corrected by Holm for every attribute at every end of every coordinate.
    both_ends : bool
        Whether the other end has more of it too: then it says nothing about the direction, and names neither.
    """

    attribute: str
    word: str
    among: float
    overall: float
    p_value: float
    corrected: float
    both_ends: bool


@dataclass(frozen=True, eq=False, repr=False)
class Pole:
    """One end of a coordinate.

    Attributes
    ----------
    coordinate : str
    end : {"low", "high"}
    name : str
        The attributes over-represented there, up to three, the surest first; "unnamed" without evidence for any.
    items : column of ids
        The extreme items, from the outermost inwards; none where so many lie in one place that no item stands out.
    values : float64 array
        Their coordinates.
    evidence : tuple of Evidence
        What is significant, the surest first.
    """

    coordinate: str
    end: End
    name: str
    items: Column
    values: Float64
    evidence: tuple[Evidence, ...]

    def __repr__(self) -> str:
        return f"Pole({self.coordinate!r}, {self.end!r}, {self.name!r}, {len(self.items)} items)"


def poles_of(
    coordinates: tuple[str, ...],
    places: Float64,
    ids: Column,
    attributes: Attributes,
    *,
    n_extreme: int,
    alpha: float,
    grain: float,
) -> tuple[Pole, ...]:
    """The low and the high end of each coordinate.

    Parameters
    ----------
    coordinates : names
    places : float64 array of shape (n_described, n_coordinates)
    ids : column of ids, in the order of `places`
    attributes : Attributes
    n_extreme : int
        Items at an end, at most: none of several in one place of which not all have room.
    alpha : float
        Largest corrected p-value that is evidence.
    grain : float
        Places that differ by less are one.
    """
    ends: list[tuple[int, End, Codes]] = []
    for place in range(len(coordinates)):
        ends += [(place, "low", outermost(places[:, place], n_extreme, grain))]
        ends += [(place, "high", outermost(-places[:, place], n_extreme, grain))]
    tests = _Tests(attributes)
    p_values = tests.p_values([items for _, _, items in ends])
    corrected = holm(p_values.ravel()).reshape(p_values.shape)
    found = []
    for row, (place, end, items) in enumerate(ends):
        other = corrected[row ^ 1]  # low and high stand side by side
        evidence = tuple(
            tests.evidence(test, items, p_values[row, test], corrected[row, test], both_ends=other[test] <= alpha)
            for test in np.argsort(p_values[row], kind="stable")
            if corrected[row, test] <= alpha
        )
        words = [each.word for each in evidence if not each.both_ends]
        name = ", ".join(words[:_MOST_WORDS]) or UNNAMED
        found.append(Pole(coordinates[place], end, name, ids[items], places[items, place], evidence))
    return tuple(found)


def outermost(places: Float64, n: int, grain: float) -> Codes:
    """The n lowest, the lowest first, or as many as are lower than all others: among equals the order says nothing."""
    order = np.argsort(places, kind="stable").astype(np.int32)
    if n >= order.size:
        return order if places[order[-1]] - places[order[0]] > grain else order[:0]
    return order[: int(np.count_nonzero(places[order[:n]] < places[order[n]] - grain))]


class _Tests:
    """What is asked of the items at an end: whether they have more of this, and of a number, more or less."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        numbers = np.flatnonzero(~attributes.binary)
        self._asked = [(int(place), "") for place in np.flatnonzero(attributes.binary)]
        self._asked += [(int(place), end) for place in numbers for end in ("high ", "low ")]
        self._ranks = {int(place): rankdata(attributes.values[:, place], nan_policy="omit") for place in numbers}

    def p_values(self, ends: Sequence[Codes]) -> Float64:
        """A row an end, a column a test."""
        values = self._attributes.values[:, self._attributes.binary]
        having = np.array([values[items].sum(axis=0) for items in ends])
        sizes = np.array([[items.size] for items in ends])
        over = hypergeom.sf(having - 1, len(values), values.sum(axis=0), sizes)
        of_numbers = [
            [rank_sum_p_value(self._ranks[place] * (1 if end == "high " else -1), items) for items in ends]
            for place, end in self._asked[values.shape[1] :]
        ]
        return np.column_stack((over, *of_numbers))

    def evidence(self, test: int, items: Codes, p_value: float, corrected: float, *, both_ends: bool) -> Evidence:
        place, end = self._asked[int(test)]
        values, name = self._attributes.values[:, place], self._attributes.names[place]
        among, overall = float(np.nanmean(values[items])), float(np.nanmean(values))
        word = end + self._attributes.words[place]
        return Evidence(name, word, among, overall, float(p_value), float(corrected), bool(both_ends))


def rank_sum_p_value(ranks: Float64, items: Codes) -> float:
    r"""Chance that some items, drawn blindly, have ranks that are together as high (F. Wilcoxon, 1945).

    The sum of n of N ranks has mean :math:`n \bar r`, variance :math:`n (N - n) v / (N - 1)` and skewness

    .. math:: g = \gamma \, \frac{N - 2n}{N - 2} \sqrt{\frac{N - 1}{n (N - n)}}

    with :math:`v` and :math:`\gamma` the variance and skewness of all ranks, ties or not. Without ties it is about
    normal. Where nearly all share one value it is as lopsided as a count of the rare others, so that a gamma
    distribution of the same skewness is taken (Pearson's type III). NaN is left out.
    """
    known = ranks[~np.isnan(ranks)]
    own = ranks[items]
    own = own[~np.isnan(own)]
    n_all, n_own = known.size, own.size
    deviations = known - known.mean()
    spread = float(deviations.std())
    variance = n_own * (n_all - n_own) / max(n_all - 1, 1) * spread**2
    if variance <= 0:
        return 1.0
    z = (own.sum() - n_own * known.mean()) / np.sqrt(variance)
    lopsided = (n_all - 2 * n_own) / max(n_all - 2, 1) * np.sqrt((n_all - 1) / (n_own * (n_all - n_own)))
    skewness = lopsided * (deviations**3).mean() / spread**3
    if abs(skewness) < _SYMMETRIC:
        return float(ndtr(-z))
    shape = 4 / skewness**2
    beyond = max(shape + 2 * z / skewness, 0.0)
    return float(gammaincc(shape, beyond) if skewness > 0 else gammainc(shape, beyond))


def holm(p_values: Float64) -> Float64:
    """p-values corrected so that among all questions a single false answer comes with at most that chance.

    The i-th smallest of m is multiplied by m - i + 1, and none may be below one before it (S. Holm, 1979).
    """
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * np.arange(p_values.size, 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected
