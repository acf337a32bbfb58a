import math
from fractions import Fraction

import numpy as np
import pytest

from foretaste.exceptions import InvalidParameterError
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int, OneOf, OrNone, SomeOf, check_parameters


@pytest.mark.parametrize(
    ("constraint", "allowed", "refused", "text"),
    [
        (Int(1), [1, 10**9, np.int32(3), np.uint8(1)], [0, -1, 1.0, True, np.True_, "1", None], "an int in [1, inf)"),
        (
            Float(0),
            [0, 0.0, 1, 2.5, np.float32(0.5), np.int64(3), Fraction(1, 2)],
            [-1e-9, math.nan, math.inf, -math.inf, True, "0.1", None, 1j],
            "a float in [0, inf)",
        ),
        (Float(0, open_low=True), [1e-300, 1], [0, 0.0, -1], "a float in (0, inf)"),
        (Float(0.5, 0.9), [0.5, 0.9], [0.49, 0.91], "a float in [0.5, 0.9]"),
        (OneOf(("a", "b")), ["a", "b"], ["c", None, 1], "one of 'a', 'b'"),
        (BOOL, [True, False], [1, 0, None, "True"], "one of True, False"),
        (OrNone(Int(2)), [None, 2], [1, "2"], "an int in [2, inf) or None"),
        (N_JOBS, [None, -1, 1, 2, 1024], [0, -2, 1025, 1.0, True, "all"], None),
    ],
    ids=str,
)
def test_a_constraint_allows_what_it_says(constraint, allowed, refused, text):
    assert [value for value in allowed if not constraint.allows(value)] == []
    assert [value for value in refused if constraint.allows(value)] == []
    if text:
        assert str(constraint) == text


def test_the_first_wrong_value_is_named():
    constraints = {"n": Int(1), "kind": OneOf(("a", "b")), "n_jobs": N_JOBS}
    check_parameters("model", {"n": 3, "kind": "b", "n_jobs": None, "other": object()}, constraints)
    for values, message in (
        ({"n": 0, "kind": "c", "n_jobs": 1}, "'n' of model must be an int in [1, inf), got 0."),
        ({"n": 1, "kind": "c", "n_jobs": 1}, "'kind' of model must be one of 'a', 'b', got 'c'."),
        ({"n": 1, "kind": "a", "n_jobs": 0}, "'n_jobs' of model must be -1 or an int in [1, 1024] or None, got 0."),
    ):
        with pytest.raises(InvalidParameterError) as caught:
            check_parameters("model", values, constraints)
        assert str(caught.value) == message


@pytest.mark.parametrize("value", [np.int64(2), np.int32(-1)], ids=repr)
def test_a_number_of_threads_may_be_a_numpy_integer(value):
    assert N_JOBS.allows(value)


def test_some_of_a_few_values_are_a_tuple_or_list_without_repeats():
    constraint = SomeOf(("a", "b", "c"), ("a",))
    assert all(map(constraint.allows, [("a",), ["a", "c"], ("c", "b", "a")]))
    assert not any(map(constraint.allows, [(), ("b",), ("a", "a"), ("a", "d"), "a", None, 1, {"a"}]))
    assert str(constraint) == "a tuple of some of 'a', 'b', 'c' with 'a'"
    assert str(SomeOf(("a",))) == "a tuple of some of 'a'"
