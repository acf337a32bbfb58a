"""Groups of things that are near each other."""

from __future__ import annotations

import numpy as np

from foretaste._typing import Codes, Float32
from foretaste.kernels._compile import kernel


@kernel
def average_linkage(apart: Float32, most: np.float32) -> Codes:
    r"""Which group each thing is in, after joining all groups at most so far apart.

    The two nearest groups are joined, again and again, until the nearest two are farther apart than `most`. Two groups
    are as far apart as their members on average, so that after joining a and b

    .. math:: d(a \cup b, c) = \frac{n_a \, d(a, c) + n_b \, d(b, c)}{n_a + n_b}

    It does not follow the nearest pair of all, but goes from a group to its nearest until two are each other's
    nearest, and joins these: average linkage gives the same groups (the nearest-neighbour chain: Murtagh 1983; Müllner
    2011, "Modern hierarchical, agglomerative clustering algorithms", section 2). A group whose nearest is too far is
    ready: whatever else is joined gets no nearer than its nearer part was.

    Parameters
    ----------
    apart : float32 array of shape (n, n)
        How far each is from each, the same both ways; overwritten.
    most : float32

    Returns
    -------
    int32 array of shape (n,)
        Groups count from 0, in the order of their first members.
    """
    n = apart.shape[0]
    sizes = np.ones(n, np.float32)  # 0: joined to another
    waits = np.ones(n, np.bool_)
    parent = np.arange(n)
    chain = np.empty(n, np.int64)
    length, first = 0, 0
    while True:
        if length == 0:
            while first < n and not waits[first]:
                first += 1
            if first == n:
                break
            chain[0] = first
            length = 1
        a = chain[length - 1]
        # among equals the one it came from, so that the chain ends, then the lowest
        b = chain[length - 2] if length > 1 else -1
        nearest = apart[a, b] if length > 1 else np.float32(np.inf)
        for c in range(n):
            if waits[c] and c != a and apart[a, c] < nearest:
                b, nearest = c, apart[a, c]
        if b < 0 or nearest > most:
            waits[a] = False
            length -= 1
        elif length > 1 and b == chain[length - 2]:
            length -= 2
            a, b = min(a, b), max(a, b)
            share = sizes[a] / (sizes[a] + sizes[b])
            for c in range(n):
                if waits[c]:
                    mean = share * apart[a, c] + (np.float32(1) - share) * apart[b, c]
                    mean = max(mean, min(apart[a, c], apart[b, c]))  # never nearer by rounding, or a chain may not end
                    apart[a, c] = mean
                    apart[c, a] = mean
            sizes[a] += sizes[b]
            waits[b] = False
            parent[b] = a
        else:
            chain[length] = b
            length += 1
    labels = np.empty(n, np.int32)
    n_groups = 0
    for thing in range(n):  # a parent comes before what was joined to it
        if parent[thing] == thing:
            labels[thing] = n_groups
            n_groups += 1
        else:
            labels[thing] = labels[parent[thing]]
    return labels
