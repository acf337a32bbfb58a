"""Whole numbers that lie close together, numbered and looked up through a table."""

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes
from foretaste.kernels._compile import kernel

Integers = npt.NDArray[np.int64]


@kernel
def number_integers(values: Integers, table: Codes, lowest: int) -> tuple[Integers, Codes]:
    """Distinct values in order of first appearance, and the position of each value among them.

    `table`, of -1 and highest - lowest + 1 long, is filled: `table[value - lowest]` is the position.
    """
    ids = np.empty(min(values.size, table.size), np.int64)
    codes = np.empty(values.size, np.int32)
    n_ids = 0
    for t in range(values.size):
        place = values[t] - lowest
        if table[place] < 0:
            table[place] = n_ids
            ids[n_ids] = values[t]
            n_ids += 1
        codes[t] = table[place]
    return ids[:n_ids].copy(), codes


@kernel
def look_up_integers(values: Integers, table: Codes, lowest: int) -> Codes:
    """Position of each value by a table as `number_integers` fills it; -1 for a value outside of it."""
    codes = np.empty(values.size, np.int32)
    for t in range(values.size):
        value = values[t]
        inside = lowest <= value < lowest + table.size
        codes[t] = table[value - lowest] if inside else -1
    return codes
