"""Slow twins of what mixes are made by."""

import itertools
import math


def average_linkage(apart, most):
    """The groups, as a set of sets, after joining the two nearest groups until they are farther apart than `most`."""
    groups = [frozenset([thing]) for thing in range(len(apart))]

    def between(one, other):
        return math.fsum(float(apart[a][b]) for a in one for b in other) / (len(one) * len(other))

    while len(groups) > 1:
        one, other = min(itertools.combinations(groups, 2), key=lambda pair: between(*pair))
        if between(one, other) > most:
            break
        groups = [group for group in groups if group not in (one, other)] + [one | other]
    return set(groups)


def chances_in_turn(logits):
    """With what probability each is drawn in its turn, given those before."""
    return [
        math.exp(logit) / math.fsum(math.exp(other) for other in logits[turn:]) for turn, logit in enumerate(logits)
    ]


def split_mix(seed, place):
    """The number at a place, from 0, of the generator SplitMix64 in plain integers."""
    whole = 2**64 - 1
    state = (seed + (place + 1) * 0x9E3779B97F4A7C15) & whole
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & whole
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & whole
    return state ^ (state >> 31)
