"""Slow, obviously right twins of the kernels that choose varied lists."""

import math

import numpy as np
from hypothesis import strategies as st


@st.composite
def candidates(draw, max_candidates=9):
    """Scores, and vectors of length 1 or 0 from a coarse grid, so that many are equal or mixtures of others."""
    n, d = draw(st.integers(1, max_candidates)), draw(st.integers(1, 4))
    whole = st.lists(st.integers(-2, 2), min_size=d, max_size=d)
    vectors = np.array(draw(st.lists(whole, min_size=n, max_size=n)), np.float64)
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    scores = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.5, 0.875, 1.0]), min_size=n, max_size=n))
    return np.array(scores), vectors / np.where(lengths > 0, lengths, 1)


@st.composite
def valued(draw, max_candidates=9, n_values=5):
    """Scores, and a set of values of each candidate, empty ones among them."""
    n = draw(st.integers(1, max_candidates))
    sets = st.lists(st.integers(0, n_values - 1), unique=True, max_size=3)
    scores = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.875, 1.0]), min_size=n, max_size=n))
    return np.array(scores), draw(st.lists(sets, min_size=n, max_size=n))


def similarities(vectors):
    """The cosines of all pairs; each candidate is like itself, one without a vector like nothing else."""
    table = vectors @ vectors.T
    np.fill_diagonal(table, 1)
    return table


def relevance_gain(scores, alike, weight, chosen, i):
    return (1 - weight) * scores[i] - weight * max((alike[i, j] for j in chosen), default=0.0)


def determinant_gain(scores, alike, weight, chosen, i):
    """By how much one more raises (1 - w) sum s + w log det S, from the two determinants; -inf where that is 0."""
    before = np.linalg.det(alike[np.ix_(chosen, chosen)]) if chosen else 1.0
    more = [*chosen, i]
    ratio = np.linalg.det(alike[np.ix_(more, more)]) / before
    return (1 - weight) * scores[i] + weight * math.log(ratio) if ratio > 1e-8 else -math.inf


def divergence(sets, wanted, chosen):
    """KL(p || q~) in bits of a list of candidates, from its definition."""
    listed = np.zeros(len(wanted))
    for i in chosen:
        for g in sets[i]:
            listed[g] += 1 / len(sets[i])
    if listed.sum():
        listed /= listed.sum()
    return sum(p * math.log2(p / (0.99 * q + 0.01 * p)) for p, q in zip(wanted, listed, strict=True) if p > 0)


def calibration_gain(scores, sets, wanted, weight, chosen, i):
    return (1 - weight) * scores[i] - weight * divergence(sets, wanted, [*chosen, i])


def is_greedy(chosen, n_candidates, gain, tolerance=1e-9):
    """Whether each of the chosen is the best of those left at its turn, but for rounding.

    `gain` is a function of those chosen before and a candidate.
    """
    for place in range(len(chosen)):
        before = list(chosen[:place])
        gains = {i: gain(before, i) for i in range(n_candidates) if i not in before}
        if chosen[place] not in gains or gains[chosen[place]] < max(gains.values()) - tolerance:
            return False
    return True


def greedy(n_candidates, n, gain, tolerance=1e-9):
    """The candidate of the highest gain, the first among equals but for rounding, n times or until none has any."""
    chosen = []
    while len(chosen) < n:
        gains = {i: gain(chosen, i) for i in range(n_candidates) if i not in chosen}
        highest = max(gains.values())
        if highest == -math.inf:
            break
        chosen.append(next(i for i, value in gains.items() if value >= highest - tolerance))
    return chosen


def space_out(order, sets, n, most, among):
    """The window looked at as a whole before anybody is placed."""
    placed, waiting = [], list(order)
    while len(placed) < n:
        for i in waiting:
            last = [*placed, i][-among:]
            if all(sum(value in sets[j] for j in last) <= most for value in sets[i]):
                placed.append(i)
                waiting.remove(i)
                break
        else:
            break
    return placed


def breaks_window(sets, most, among):
    """Whether any so many sets in a row have a value too often."""
    for first in range(len(sets)):
        together = sets[first : first + among]
        values = {value for each in together for value in each}
        if any(sum(value in each for each in together) > most for value in values):
            return True
    return False
