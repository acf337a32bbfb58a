import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from foretaste.kernels.probit import add_looked_up, draw_latents, spread_over_bins


def latents(means, classes, cuts, uniforms):
    ends = np.concatenate([[-np.inf], cuts, [np.inf]])
    out = np.full(len(means), 9, np.float32)
    draw_latents(np.array(means, np.float32), np.array(classes, np.int32), ends, np.array(uniforms), 0, len(means), out)
    return out


@given(
    st.floats(-6, 6, width=32),
    st.integers(0, 3),
    st.floats(1e-6, 0.999),
    st.lists(st.floats(-3, 3), min_size=3, max_size=3, unique=True),
)
@settings(max_examples=200, deadline=None)
def test_a_latent_number_is_a_quantile_of_the_truncated_normal_distribution(mean, c, uniform, cuts):
    cuts = sorted(cuts)
    low, high = np.concatenate([[-np.inf], cuts, [np.inf]])[c : c + 2]
    if high - low < 1e-3:
        return
    # from the end that is in the tail: the lower one where the class lies mostly below the mean
    share = uniform if (low - mean) + (high - mean) <= 0 else 1 - uniform
    expected = stats.truncnorm.ppf(share, low - mean, high - mean) + mean
    assert latents([mean], [c], cuts, [uniform])[0] == pytest.approx(expected, abs=2e-5)


def test_latent_numbers_far_out_in_a_tail_stay_within_their_class():
    uniforms = np.random.default_rng(0).random(1000)
    for mean, c in ((-60.0, 2), (60.0, 0), (-45.0, 1), (39.0, 1)):
        found = latents([mean] * 1000, [c] * 1000, [-1.0, 1.0], uniforms)
        low, high = [(-np.inf, -1), (-1, 1), (1, np.inf)][c]
        assert ((found >= low) & (found <= high)).all()
        near = low if mean < 0 else high
        # an exponential distribution next to the end, of mean 1 / distance
        assert np.abs(found - near).mean() == pytest.approx(1 / abs(mean - near), rel=0.1)


def test_a_narrow_class_far_out_in_a_tail_is_filled():
    found = latents([40.0] * 1000, [1] * 1000, [0.0, 0.004], (np.arange(1000) + 0.5) / 1000)
    # the exponential distribution's quantiles within four thousandths: all but evenly spread
    np.testing.assert_allclose(np.sort(found), (np.arange(1000) + 0.5) / 250_000, atol=1e-4)
    assert np.mean(found) == pytest.approx(0.00205, abs=2e-5)


def test_values_are_shared_by_their_two_nearest_bins():
    out = np.zeros((2, 4))
    spread_over_bins(np.array([0.0, 1.25, 3.0, 3.0], np.float32), np.array([0, 1, 1, 0], np.int32), 0.0, 1.0, out)
    np.testing.assert_allclose(out, [[1, 0, 0, 1], [0, 0.75, 0.25, 1]])


def test_a_table_is_looked_up_between_its_points_and_constant_beyond():
    out = np.ones((2, 3))
    scores = np.array([[-5, 0, 0.5], [1.25, 2, 9]], np.float32)
    add_looked_up(scores, np.array([10.0, 20.0, 40.0]), 0.0, 1.0, out)
    np.testing.assert_allclose(out, 1 + np.array([[10, 10, 15], [25, 40, 40]]), rtol=1e-6)
