"""Whole numbers that lie close together, numbered and looked up through a table."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes
from foretaste.kernels._compile import kernel

Integers = npt.NDArray[np.int64]


@kernel
def number_integers(values: Integers, table: Codes, lowest: int, ids: Integers, n_ids: int, codes: Codes) -> int:
    """Number distinct values in order of first appearance, on from `n_ids` known ones; returns how many there are now.

    Parameters
    ----------
    values : int64 array of shape (n,)
    table : int32 array of shape (highest - lowest + 1,)
        Of -1 at first; written: `table[value - lowest]` is the number of a value.
    ids : int64 array
        Written: the values by their numbers.
    codes : int32 array of shape (n,)
        Written: the number of each value.
    """
    for t in range(values.size):
        place = values[t] - lowest
        if table[place] < 0:
            table[place] = n_ids
            ids[n_ids] = values[t]
            n_ids += 1
        codes[t] = table[place]
    return n_ids


@kernel
def look_up_integers(values: Integers, table: Codes, lowest: int) -> Codes:
    """Position of each value by a table as `number_integers` fills it; -1 for a value outside of it."""
    codes = np.empty(values.size, np.int32)
    highest = lowest + (table.size - 1)  # an id itself; the number after it may be beyond 64 bits
    for t in range(values.size):
        value = values[t]
        inside = lowest <= value <= highest
        codes[t] = table[value - lowest] if inside else -1
    return codes
