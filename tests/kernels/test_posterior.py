import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.kernels.posterior import sample_scores


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_scores_are_those_of_the_formula_in_each_draw(seed, n_draws, k):
    rng = np.random.default_rng(seed)
    sizes = (3, 4, 2)
    means = rng.normal(size=n_draws)
    biases = [rng.normal(size=(n, n_draws)).astype(np.float32) for n in sizes]
    factors = [rng.normal(size=(n, n_draws * k)).astype(np.float32) for n in sizes]
    users, items, days = (rng.integers(-1, n, 12).astype(np.int32) for n in sizes)
    out = np.full((12, n_draws), 9, np.float32)
    sample_scores(users, items, days, means, *biases, *factors, out)
    for place, codes in enumerate(zip(users, items, days, strict=True)):
        for s in range(n_draws):
            total, rows = means[s], []
            for code, bias, rows_of in zip(codes, biases, factors, strict=True):
                if code >= 0:
                    total += bias[code, s]
                    row = rows_of[code, s * k : (s + 1) * k].astype(float)
                    total += sum(row @ other for other in rows)
                    rows.append(row)
            np.testing.assert_allclose(out[place, s], total, rtol=1e-4, atol=1e-5)
