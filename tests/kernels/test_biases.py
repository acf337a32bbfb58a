import numpy as np
from hypothesis import given

import naive
from foretaste.kernels.biases import row_means


@given(naive.sparse())
def test_row_means_are_means_and_the_given_value_where_there_is_nothing(drawn):
    rows, _ = drawn
    indptr, _, values = naive.arrays(rows)
    expected = [sum(value for _, value in row) / len(row) if row else 7.0 for row in rows]
    np.testing.assert_allclose(row_means(indptr, values, 7.0), expected, atol=1e-12)
