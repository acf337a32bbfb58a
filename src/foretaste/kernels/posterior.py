"""What draws from a posterior predict: scores of pairs, draw by draw."""

import numpy as np

from foretaste._typing import Codes, Float32, Float64
from foretaste.kernels._compile import kernel


@kernel
def sample_scores(
    user_codes: Codes,
    item_codes: Codes,
    day_codes: Codes,
    means: Float64,
    user_biases: Float32,
    item_biases: Float32,
    day_biases: Float32,
    user_factors: Float32,
    item_factors: Float32,
    day_factors: Float32,
    out: Float32,
) -> None:
    r"""The score of each pair in each draw s, on a day.

    .. math:: \mu_s + b_{us} + b_{is} + b_{ds} + p_{us} \cdot q_{is} + (p_{us} + q_{is}) \cdot e_{ds}

    Parts of somebody or some day unknown (code -1) are left out.

    Parameters
    ----------
    means : float64 array of shape (n_draws,)
    user_biases, item_biases, day_biases : float32 arrays of shape (n, n_draws)
    user_factors, item_factors, day_factors : float32 arrays of shape (n, n_draws * n_factors), draw by draw
    out : float32 array of shape (n_pairs, n_draws), written
    """
    n_draws = means.size
    k = user_factors.shape[1] // n_draws
    zero = np.float32(0)
    for place in range(user_codes.size):
        u, i, d = user_codes[place], item_codes[place], day_codes[place]
        row = out[place]
        for s in range(n_draws):
            row[s] = np.float32(means[s])
            if u >= 0:
                row[s] += user_biases[u, s]
            if i >= 0:
                row[s] += item_biases[i, s]
            if d >= 0:
                row[s] += day_biases[d, s]
        if u >= 0 and i >= 0:
            p, q = user_factors[u], item_factors[i]
            for s in range(n_draws):
                dot = zero
                for f in range(s * k, s * k + k):
                    dot += p[f] * q[f]
                row[s] += dot
        if d >= 0:
            e = day_factors[d]
            for code, factors in ((u, user_factors), (i, item_factors)):
                if code >= 0:
                    x = factors[code]
                    for s in range(n_draws):
                        dot = zero
                        for f in range(s * k, s * k + k):
                            dot += x[f] * e[f]
                        row[s] += dot
