"""Pairs within a row, and whether two orders of them agree."""

from foretaste._typing import Float64, Pointers
from foretaste.kernels._compile import kernel


@kernel
def concordant_pairs(indptr: Pointers, given: Float64, predicted: Float64) -> tuple[float, float]:
    """Over all rows, the pairs of different given values that are predicted in the same and in the reversed order.

    Equal predictions count half to each.
    """
    concordant, discordant = 0.0, 0.0
    for row in range(indptr.size - 1):
        for a in range(indptr[row], indptr[row + 1]):
            for b in range(indptr[row], a):
                if given[a] == given[b]:
                    continue
                agreement = (given[a] - given[b]) * (predicted[a] - predicted[b])
                if agreement > 0:
                    concordant += 1.0
                elif agreement < 0:
                    discordant += 1.0
                else:
                    concordant += 0.5
                    discordant += 0.5
    return concordant, discordant


@kernel
def ordered_pairs(
    indptr: Pointers, given: Float64, predicted: Float64, concordant: Float64, discordant: Float64
) -> None:
    """Of each row, the pairs of different given values whose prediction keeps the order, and those where it does not.

    Equal predictions do not keep it.

    Parameters
    ----------
    concordant, discordant : float64 arrays of shape (n_rows,)
        Written.
    """
    for row in range(indptr.size - 1):
        concordant[row], discordant[row] = 0.0, 0.0
        for a in range(indptr[row], indptr[row + 1]):
            for b in range(indptr[row], indptr[row + 1]):
                if given[a] > given[b]:
                    if predicted[a] > predicted[b]:
                        concordant[row] += 1.0
                    elif predicted[a] <= predicted[b]:
                        discordant[row] += 1.0
