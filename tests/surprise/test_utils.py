import numpy as np
import pytest
import surprise as peer

from foretaste.surprise.utils import get_rng


@pytest.mark.parametrize("seed", [0, 7, np.int64(7), True])
def test_a_seed_is_a_generator(seed):
    assert (get_rng(seed).normal(size=5) == peer.utils.get_rng(seed).normal(size=5)).all()


def test_a_generator_is_itself_and_none_is_the_shared_one():
    generator = np.random.RandomState(3)
    assert get_rng(generator) is generator
    assert get_rng(None) is peer.utils.get_rng(None)


@pytest.mark.parametrize("wrong", ["3", 2.5, np.random.default_rng(0)])
def test_anything_else_is_an_error(wrong):
    with pytest.raises(ValueError, match="random_state must be None, an int or a numpy RandomState, got"):
        get_rng(wrong)
