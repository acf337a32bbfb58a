"""`get_rng`: the random generator that a `random_state` stands for."""

from __future__ import annotations

import numbers

import numpy as np


def get_rng(random_state: int | np.random.RandomState | None) -> np.random.RandomState:
    """The generator that `random_state` stands for.

    Parameters
    ----------
    random_state : int, numpy.random.RandomState or None
        A seed, a generator, which is returned as it is, or None for the one behind ``np.random.seed``.

    Raises
    ------
    ValueError
        It is something else.
    """
    if random_state is None:
        shared: np.random.RandomState = np.random.mtrand._rand  # noqa: SLF001  numpy has no other name for it
        return shared
    if isinstance(random_state, numbers.Integral):
        return np.random.RandomState(int(random_state))
    if isinstance(random_state, np.random.RandomState):
        return random_state
    message = f"random_state must be None, an int or a numpy RandomState, got {type(random_state).__name__}."
    raise ValueError(message)
