import numpy as np
import pytest

from foretaste.exceptions import InvalidParameterError
from foretaste.utils.random import generator


@pytest.mark.parametrize("seed", [0, 7, 2**100, np.int64(7), np.uint8(3)], ids=repr)
def test_the_same_seed_gives_the_same_numbers(seed):
    assert generator(seed).random(3).tolist() == np.random.default_rng(int(seed)).random(3).tolist()


def test_a_generator_is_used_as_it_is():
    rng = np.random.default_rng(0)
    assert generator(rng) is rng


def test_a_legacy_state_gives_the_same_generator_once_seeded_the_same():
    one, other = (generator(np.random.RandomState(5)) for _ in range(2))
    assert one.random(3).tolist() == other.random(3).tolist()
    state = np.random.RandomState(5)
    assert generator(state).random() != generator(state).random(), "it moves on like any other state"


def test_none_is_different_each_time():
    assert generator(None).random() != generator(None).random()


@pytest.mark.parametrize("wrong", [-1, 1.5, "seed", [1], np.float64(2)], ids=repr)
def test_anything_else_is_refused(wrong):
    with pytest.raises(InvalidParameterError) as caught:
        generator(wrong)
    assert str(caught.value) == f"'random_state' must be None, an int in [0, inf) or a NumPy generator, got {wrong!r}."
