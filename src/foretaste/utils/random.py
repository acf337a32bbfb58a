"""One kind of random generator, from whatever the caller gives."""

import numpy as np

from foretaste._typing import RandomState
from foretaste.exceptions import InvalidParameterError


def generator(random_state: RandomState) -> np.random.Generator:
    """A NumPy generator from a seed, a generator (used as it is), a legacy RandomState, or None (from the system).

    Raises
    ------
    InvalidParameterError
        It is none of these.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31, size=4))
    if random_state is None or (isinstance(random_state, (int, np.integer)) and random_state >= 0):
        return np.random.default_rng(random_state)
    message = f"'random_state' must be None, an int in [0, inf) or a NumPy generator, got {random_state!r}."
    raise InvalidParameterError(message)
