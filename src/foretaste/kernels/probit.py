"""Ordered probit: ratings as the class into which a normal latent number falls between cutpoints."""

import math

from foretaste._typing import Codes, Float32, Float64
from foretaste.kernels._compile import kernel

# Beyond so many standard deviations the distribution function leaves double precision.
_FAR = -37.0


@kernel
def _below(x: float) -> float:
    """The probability that a standard normal number is below x; accurate in the lower tail."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@kernel
def _quantile(p: float) -> float:
    """The x of `_below`, for p in (0, 1): Wichura 1988, "Algorithm AS 241", to about 7 digits, and one Newton step."""
    r = p - 0.5
    if abs(r) <= 0.425:  # noqa: PLR2004  AS 241's
        s = 0.180625 - r * r
        top = ((59.109374720 * s + 159.29113202) * s + 50.434271938) * s + 3.3871327179
        x = r * top / (((67.187563600 * s + 78.757757664) * s + 17.895169469) * s + 1.0)
    else:
        s = math.sqrt(-math.log(p if r < 0 else 1.0 - p))
        if s <= 5.0:  # noqa: PLR2004  AS 241's
            s -= 1.6
            top = ((0.17023821103 * s + 1.3067284816) * s + 2.7568153900) * s + 1.4234372777
            x = top / ((0.12021132975 * s + 0.73700164250) * s + 1.0)
        else:
            s -= 5.0
            top = ((0.017337203997 * s + 0.42868294337) * s + 3.0812263860) * s + 6.6579051150
            x = top / ((0.012258202635 * s + 0.24197894225) * s + 1.0)
        if r < 0:
            x = -x
    density = math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return x - (_below(x) - p) / density if density > 0 else x


@kernel
def draw_latents(
    means: Float32, classes: Codes, cuts: Float64, uniforms: Float64, first: int, last: int, out: Float32
) -> None:
    r"""Latent numbers of ratings [first, last): normal around their means with variance 1, between their class's cuts.

    .. math:: z = f + \Phi^{-1}(\Phi(l - f) + u \, (\Phi(h - f) - \Phi(l - f)))

    on the side of f on which these are small numbers, so that nothing cancels out in a tail.

    Parameters
    ----------
    means : float32 array of shape (n,), the f
    classes : int32 array of shape (n,)
    cuts : float64 array of shape (n_classes + 1,)
        Lower end l of each class, and the upper end h of the last; the outermost infinite.
    uniforms : float64 array of shape (n,), the u, in [0, 1)
    out : float32 array of shape (n,), the z, written in [first, last)
    """
    for place in range(first, last):
        f, c, u = float(means[place]), classes[place], uniforms[place]
        low, high, sign = cuts[c] - f, cuts[c + 1] - f, 1.0
        if low + high > 0:  # as NaN is for the whole line, which does not occur with two classes or more
            low, high, sign = -high, -low, -1.0
        if high < _FAR:  # an exponential distribution between the ends, to all digits
            x = high + math.log1p(u * math.expm1(high * (high - low))) / -high
        else:
            least, most = _below(low), _below(high)
            x = _quantile(max(least + u * (most - least), 1e-300))
            x = min(max(x, low), high)
        out[place] = f + sign * x


@kernel
def spread_over_bins(values: Float32, classes: Codes, low: float, width: float, out: Float64) -> None:
    """Count the values of each class by bins, each value shared by its two nearest in proportion.

    Parameters
    ----------
    values : float32 array of shape (n,)
    classes : int32 array of shape (n,)
    low, width : float
        Centre of the first bin, and distance of centres.
    out : float64 array of shape (n_classes, n_bins), added to
    """
    n_bins = out.shape[1]
    for place in range(values.size):
        position = (values[place] - low) / width
        left = min(max(int(position), 0), n_bins - 2)
        share = position - left
        out[classes[place], left] += 1.0 - share
        out[classes[place], left + 1] += share


@kernel
def add_looked_up(scores: Float32, table: Float64, low: float, width: float, out: Float64) -> None:
    """Add to `out` a function of each score, by linear interpolation in a table; beyond its ends it is constant.

    Parameters
    ----------
    scores : float32 array of shape (n_rows, n_columns)
    table : float64 array of shape (n_points,), the function at low, low + width, ...
    out : float64 array of shape (n_rows, n_columns), changed
    """
    last = table.size - 1
    for row in range(scores.shape[0]):
        for column in range(scores.shape[1]):
            position = min(max((scores[row, column] - low) / width, 0.0), last - 1e-9)
            left = int(position)
            out[row, column] += table[left] + (position - left) * (table[left + 1] - table[left])
