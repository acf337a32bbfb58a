import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import naive
from foretaste.kernels.concordance import concordant_pairs

number = st.sampled_from([-1.0, 0.0, 0.5, 2.0, 3.0])


@given(st.lists(st.lists(st.tuples(number, number), max_size=6), min_size=1, max_size=4))
def test_concordant_pairs_equals_its_twin(groups):
    indptr = np.cumsum([0, *map(len, groups)]).astype(np.int64)
    given_, predicted = (np.array([pair[side] for group in groups for pair in group]) for side in (0, 1))
    assert concordant_pairs(indptr, given_, predicted) == naive.concordant_pairs(groups)


def test_equal_predictions_count_half_to_each_and_equal_ratings_not_at_all():
    indptr = np.array([0, 3])
    assert concordant_pairs(indptr, np.array([5.0, 5.0, 1.0]), np.array([2.0, 4.0, 2.0])) == (1.5, 0.5)
