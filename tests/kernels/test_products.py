import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.products import multiply_rows

UNTOUCHED = np.float32(-77)


@given(naive.sparse(max_columns=11), st.integers(1, 5), naive.seeds, st.data())
def test_multiply_rows_equals_its_twin_and_writes_no_row_outside_its_range(case, width, seed, data):
    rows, n_columns = case
    right = np.random.default_rng(seed).normal(size=(n_columns, width)).astype(np.float32)
    first = data.draw(st.integers(0, len(rows)))
    last = data.draw(st.integers(first, len(rows)))
    out = np.full((len(rows), width), UNTOUCHED)
    multiply_rows(*naive.arrays(rows), right, first, last, out)
    expected = naive.multiply(rows, right.astype(np.float64))
    np.testing.assert_allclose(out[first:last], expected[first:last], rtol=1e-5, atol=1e-5)
    assert (out[:first] == UNTOUCHED).all()
    assert (out[last:] == UNTOUCHED).all()
