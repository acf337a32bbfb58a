"""`RepeatPurchases`: who buys what again, and when; learned from everybody's purchases, asked for one visitor's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import ndtr

from foretaste._typing import Codes, Float64
from foretaste.pages.crowd import Log
from foretaste.pages.words import check_word

Timing: TypeAlias = Literal["log-normal", "poisson-gamma"]
TIMINGS: tuple[str, ...] = get_args(Timing)

# However alike the buyers of an item are, their mean gaps differ by a tenth.
_LEAST_BETWEEN = 0.01
# Rates of an item's buyers differ by so much of their mean, in variance, or the prior would be beyond any doubt.
_LEAST_VARIANCE = 0.01
# Of those who would come again, so many have stopped since, and nobody was told: without them somebody long overdue
# would be expected every day.
_STOPPED = 0.01
# A weight of the prior beyond this leaves nothing to what one visitor did.
_MOST_WEIGHT = 100.0


class Pairs(NamedTuple):
    """What is known of pairs of a user and an item at a moment, an entry a pair.

    `times` says on how many days the item was bought, `first` and `last` are the first and the last of these days, and
    `log_gaps` and `log_squares` are sums over the logarithms of the days between one purchase and the next, and over
    their squares.
    """

    items: Codes
    times: npt.NDArray[np.int64]
    first: Float64
    last: Float64
    log_gaps: Float64
    log_squares: Float64

    @classmethod
    def of_user(cls, items: Codes, days: Float64) -> Pairs:
        """From one user's events, in any order."""
        bought = np.unique(np.stack([items.astype(np.float64), np.floor(days)]), axis=1)
        new = np.diff(bought[0], prepend=-1) > 0
        start = np.flatnonzero(new)
        gaps = np.where(new, 1, np.diff(bought[1], prepend=0))
        times = np.diff(np.append(start, bought.shape[1]))
        if not start.size:
            return cls(np.zeros(0, np.int32), times, *(np.zeros(0) for _ in range(4)))
        sums, squares = (np.add.reduceat(np.log(gaps) ** power, start) for power in (1, 2))
        of_items = bought[0, start].astype(np.int32)
        return cls(of_items, times, bought[1, start], bought[1, start + times - 1], sums, squares)


@dataclass(frozen=True, eq=False)
class Purchases:
    """Days on which somebody bought something, in the order of time: what one user has of one item in a day is one.

    Attributes
    ----------
    days : float64 array of shape (n_purchases,)
        Whole days since 1970, ascending.
    pairs : int64 array of shape (n_purchases,)
        Which pair of user and item.
    gaps : float64 array of shape (n_purchases,)
        Days since the one before; 1 for a first purchase, so that its logarithm is 0.
    items : int32 array of shape (n_pairs,)
    first : float64 array of shape (n_pairs,)
        The day of each pair's first purchase.
    """

    days: Float64
    pairs: npt.NDArray[np.int64]
    gaps: Float64
    items: Codes
    first: Float64

    @classmethod
    def of(cls, log: Log) -> Purchases:
        """From events."""
        days = np.floor(log.days)
        by_pair = np.lexsort((days, log.item_codes, log.user_codes))
        users, items, days = log.user_codes[by_pair], log.item_codes[by_pair], days[by_pair]
        new = (np.diff(users, prepend=-1) != 0) | (np.diff(items, prepend=-1) != 0)
        once = new | (np.diff(days, prepend=-1) != 0)
        new, items, days = new[once], items[once], days[once]
        start = np.flatnonzero(new)
        pairs = np.cumsum(new) - 1
        gaps = np.where(new, 1, np.diff(days, prepend=0))
        in_time = np.argsort(days, kind="stable")
        return cls(days[in_time], pairs[in_time], gaps[in_time], items[start], days[start])

    def before(self, day: float) -> int:
        """How many took place before a day; they are the first."""
        return int(np.searchsorted(self.days, day, side="left"))

    def at(self, day: float) -> tuple[Pairs, npt.NDArray[np.int64]]:
        """The pairs with a purchase before a day, and their numbers."""
        n, n_pairs = self.before(day), self.items.size
        times = np.bincount(self.pairs[:n], minlength=n_pairs)
        last = np.zeros(n_pairs)
        last[self.pairs[:n]] = self.days[:n]  # in the order of time, so that the last of a pair is the one that stays
        logs = np.log(self.gaps[:n])
        sums, squares = (np.bincount(self.pairs[:n], values, n_pairs).astype(np.float64) for values in (logs, logs**2))
        known = np.flatnonzero(times)
        return Pairs(
            self.items[known], times[known], self.first[known], last[known], sums[known], squares[known]
        ), known


class Pooled(NamedTuple):
    """Means by item, shrunk towards those of their categories, and these towards everybody's.

    Attributes
    ----------
    n_items : int
    categories : csr array of shape (n_items, n_categories), optional
        The share of each item that is in each category: a row adds up to 1, or to 0 where nothing is known.
    shrinkage : float
        As many observations of the mean above are added to each.
    """

    n_items: int
    categories: sparse.csr_array | None
    shrinkage: float

    def means(self, items: Codes, values: Float64, weights: npt.NDArray[np.number] | None = None) -> Float64:
        """By item, of values that may have weights; 0 for all where there are no values."""
        weights = np.ones(items.size) if weights is None else weights
        counts: Float64 = np.bincount(items, weights, self.n_items).astype(np.float64)
        sums: Float64 = np.bincount(items, weights * values, self.n_items).astype(np.float64)
        everybody = sums.sum() / max(counts.sum(), 1)
        above = np.full(self.n_items, everybody)
        if self.categories is not None:
            known = np.asarray(self.categories.sum(axis=1)).ravel()
            inside = self._shrunk(self.categories.T @ sums, self.categories.T @ counts, everybody)
            above = self.categories @ inside + (1 - known) * everybody
        return self._shrunk(sums, counts, above)

    def _shrunk(self, sums: Float64, counts: Float64, above: Float64 | float) -> Float64:
        means: Float64 = (sums + self.shrinkage * above) / (counts + self.shrinkage)
        return means


class RepeatPurchases:
    r"""With what probability somebody who has bought an item buys it again within h days from now.

    .. math:: P = 1 - (1 - Q_{ui} \, W_{ui})^{\rho_i}

    Q is the probability that there is a next purchase at all, W that it falls into the next h days if it comes and has
    not come yet, and :math:`\rho` how much more or less the item is bought again these days than these two would have
    it: the hazard is proportional to it.

    **Ever.** Of the :math:`n_i` buyers of an item, :math:`r_i` have bought it on another day too. Their share is shrunk
    towards that of the item's category, and that towards everybody's, and each repeat purchase of the user's own
    counts as a success beside it; c is the user's number of purchases, m `shrinkage`:

    .. math:: q_i = \frac{r_i + m \, q_{g(i)}}{n_i + m}, \qquad Q_{ui} = \frac{M q_i + c_{ui} - 1}{M + c_{ui} - 1},
        \qquad M = \frac{1 - q''}{q'' - q'}

    with q' the share of all pairs that came to a second purchase and q'' the share of these that came to a third; M is
    what makes the formula give q'' after a second purchase.

    **When.** The logarithms of the gaps between purchases are normal around a mean of the pair's own, and these means
    around that of the item, :math:`\mu_i`, which is shrunk as q is. With n gaps whose logarithms have the sum s, the
    next one is :math:`\log t \sim N(m_{ui}, v_{ui})`:

    .. math:: \frac{1}{\omega} = \frac{1}{\tau^2} + \frac{n}{\sigma^2}, \qquad
        m_{ui} = \omega \Big(\frac{\mu_i}{\tau^2} + \frac{s}{\sigma^2}\Big), \qquad v_{ui} = \omega + \sigma^2, \qquad
        W_{ui} = \frac{F(a + h) - F(a)}{1 - (1 - \epsilon) F(a)}

    F is the distribution of the gap and a the days since the last purchase. Were it not for :math:`\epsilon`, the share
    of those who have stopped (0.01), somebody with regular habits who is long overdue would be expected any day; so W
    rises to about the usual gap and falls after it. Variances within a pair, :math:`\sigma^2`,
    and between pairs, :math:`\tau^2`, are those of all pairs, by moments.

    **When, by a modified Poisson-gamma process** (``timing="poisson-gamma"``). Rates of purchase have a gamma prior of
    the item, and a denominator that is least where the last purchase is a mean gap :math:`\bar t` ago:

    .. math:: W_{ui} = 1 - \Big(\frac{B}{B + h}\Big)^{c + \alpha_i}, \qquad
        B = \beta_i + t_{ui} + \begin{cases} 2 |\bar t - a| & a < 2 \bar t \\ a & \text{else} \end{cases}

    with t the days from the first to the last purchase, and :math:`\alpha, \beta` by the moments of the rates
    :math:`(c - 1) / t` of those who bought it twice, shrunk as q is.

    **These days.** Of those who had bought the item before the last `window` days, :math:`o_i` bought it in them;
    :math:`e_i` is the sum of Q W over them. With m' `demand_shrinkage`,

    .. math:: \rho_i = \frac{o_i + m' \bar\rho}{e_i + m'}, \qquad \bar\rho = \frac{\sum_j o_j + m'}{\sum_j e_j + m'}

    The product of Q and W, the share of buyers that buys twice, and B are from Bhagat, Muralidharan, Lobzhanidze,
    Vishwanath 2018, "Buy It Again: Modeling Repeat Purchase Recommendations", who take the rate :math:`(c + \alpha) /
    B` in place of its distribution, no own purchases into Q, and for a log-normal gap that of the item alone. The rest
    is foretaste's.

    Attributes
    ----------
    share : float64 array of shape (n_items,)
        q.
    weight : float
        M.
    log_gap : float64 array of shape (n_items,)
        The mean of the logarithms of an item's gaps in days.
    within, between : float
        The variances of these logarithms.
    shape, rate : float64 arrays of shape (n_items,)
        Of the gamma prior.
    demand : float64 array of shape (n_items,)
        The last factor.
    timing : {"log-normal", "poisson-gamma"}
    n_repeats : int
        Pairs that came to a second purchase. Without any, nothing is ever expected.

    Notes
    -----
    A second event of the same day is no other purchase. Gaps are measured between days, and ages from the beginning of
    the day of the last purchase.
    """

    def __init__(
        self,
        purchases: Purchases,
        day: float,
        n_items: int,
        *,
        categories: sparse.csr_array | None = None,
        timing: Timing = "log-normal",
        shrinkage: float = 10.0,
        window: float = 28.0,
        demand_shrinkage: float = 20.0,
    ) -> None:
        check_word(timing, TIMINGS, "the timing")
        self.timing = timing
        pooled = Pooled(n_items, categories, shrinkage)
        pairs, _ = purchases.at(day)
        self._learn_whether(pairs, pooled)
        self._learn_gaps(pairs, pooled)
        self._learn_rates(pairs, pooled)
        self.demand = np.ones(n_items)
        self.demand = self._demand(purchases, day, window, demand_shrinkage)

    def probability(self, pairs: Pairs, day: float, horizon: float) -> Float64:
        """With what probability each pair's item is bought again within so many days."""
        if not self.n_repeats:
            return np.zeros(pairs.items.size)
        repeats = pairs.times - 1
        ever = (self.weight * self.share[pairs.items] + repeats) / (self.weight + repeats)
        when = {"log-normal": self._when_by_gap, "poisson-gamma": self._when_by_rate}[self.timing]
        again: Float64 = 1 - (1 - ever * when(pairs, day, horizon)) ** self.demand[pairs.items]
        return again

    def elapsed(self, pairs: Pairs, day: float) -> Float64:
        """What share of each pair's gaps would be over by now: F of the days since the last purchase."""
        if not self.n_repeats:
            return np.zeros(pairs.items.size)
        return self._gap(pairs)(day - pairs.last)

    # When ------------------------------------------------------------------------------------------------------------

    def _gap(self, pairs: Pairs) -> Callable[[Float64], Float64]:
        """The distribution of each pair's next gap."""
        precision = 1 / self.between + (pairs.times - 1) / self.within
        mean = (self.log_gap[pairs.items] / self.between + pairs.log_gaps / self.within) / precision
        spread = np.sqrt(1 / precision + self.within)

        def distribution(days: Float64) -> Float64:
            over: Float64 = ndtr((np.log(np.maximum(days, 1e-9)) - mean) / spread)
            return over

        return distribution

    def _when_by_gap(self, pairs: Pairs, day: float, horizon: float) -> Float64:
        distribution, age = self._gap(pairs), np.maximum(day - pairs.last, 0)
        over = distribution(age)
        within: Float64 = (distribution(age + horizon) - over) / (1 - (1 - _STOPPED) * over)
        return within

    def _when_by_rate(self, pairs: Pairs, day: float, horizon: float) -> Float64:
        shape, rate = self.shape[pairs.items], self.rate[pairs.items]
        age, span, repeats = np.maximum(day - pairs.last, 0), pairs.last - pairs.first, pairs.times - 1
        mean = np.where(repeats > 0, span / np.maximum(repeats, 1), rate / shape)
        exposure = rate + span + np.where(age < 2 * mean, 2 * np.abs(mean - age), age)
        within: Float64 = 1 - (exposure / (exposure + horizon)) ** (pairs.times + shape)
        return within

    # What is learned -------------------------------------------------------------------------------------------------

    def _learn_whether(self, pairs: Pairs, pooled: Pooled) -> None:
        twice = pairs.times >= 2  # noqa: PLR2004  a repeat
        n_buyers, n_twice, n_thrice = pairs.times.size, int(twice.sum()), int((pairs.times > 2).sum())  # noqa: PLR2004
        self.n_repeats = n_twice
        self.share = pooled.means(pairs.items, twice.astype(np.float64))
        second, third = (n_twice + 1) / (n_buyers + 2), (n_thrice + 1) / (n_twice + 2)
        weight = (1 - third) / (third - second) if third > second else _MOST_WEIGHT
        self.weight = min(weight, _MOST_WEIGHT)

    def _learn_gaps(self, pairs: Pairs, pooled: Pooled) -> None:
        own = pairs.times > 1
        items, n_gaps, sums = pairs.items[own], pairs.times[own] - 1, pairs.log_gaps[own]
        self.log_gap = pooled.means(items, sums / n_gaps, n_gaps)
        self.within, self.between = 1.0, 1.0
        if items.size:
            # as if there were one more gap, off by a factor of two: a few that are equal by chance are no clockwork
            squares = pairs.log_squares[own] - sums**2 / n_gaps
            self.within = float((squares.sum() + np.log(2) ** 2) / ((n_gaps - 1).sum() + 1))
            apart = (sums / n_gaps - self.log_gap[items]) ** 2 - self.within / n_gaps
            self.between = max(float(apart.mean()), _LEAST_BETWEEN)

    def _learn_rates(self, pairs: Pairs, pooled: Pooled) -> None:
        own = pairs.times > 1
        rates = (pairs.times[own] - 1) / (pairs.last[own] - pairs.first[own])
        mean = pooled.means(pairs.items[own], rates)
        variance = np.maximum(pooled.means(pairs.items[own], rates**2) - mean**2, _LEAST_VARIANCE * mean**2)
        self.shape, self.rate = np.ones(mean.size), np.ones(mean.size)
        np.divide(mean**2, variance, out=self.shape, where=variance > 0)
        np.divide(mean, variance, out=self.rate, where=variance > 0)

    def _demand(self, purchases: Purchases, day: float, window: float, shrinkage: float) -> Float64:
        pairs, numbers = purchases.at(day - window)
        bought = np.zeros(purchases.items.size, np.bool_)
        bought[purchases.pairs[purchases.before(day - window) : purchases.before(day)]] = True
        found = np.bincount(pairs.items, bought[numbers], self.demand.size)
        expected = np.bincount(pairs.items, self.probability(pairs, day - window, window), self.demand.size)
        everybody = (found.sum() + shrinkage) / (expected.sum() + shrinkage)
        demand: Float64 = (found + shrinkage * everybody) / (expected + shrinkage)
        return demand
