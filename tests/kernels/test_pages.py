"""The kernels of pages beside plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.kernels.pages import add_signal, looked_at, reaching

_seeds = st.integers(0, 10_000)


@given(_seeds, st.integers(0, 300), st.sampled_from([-np.inf, 0.0, 0.5, 2.0]))
def test_reaching_finds_what_is_allowed_and_high_enough(seed, n, border):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-2, 3, n).astype(np.float32)
    allowed, codes = rng.random(n) < 0.7, np.full(n, -1, np.int32)
    found = reaching(scores, allowed, border, codes)
    assert codes[:found].tolist() == [i for i in range(n) if allowed[i] and scores[i] >= border]


@given(_seeds, st.integers(0, 40))
def test_add_signal_is_the_sum_times_the_worth(seed, n):
    rng = np.random.default_rng(seed)
    base, signal, worth = (rng.normal(size=n).astype(np.float32) for _ in range(3))
    scores = np.empty(n, np.float32)
    add_signal(base, -0.3, signal, worth, scores)
    expected = [(float(b) - 0.3 * float(s)) * float(w) for b, s, w in zip(base, signal, worth, strict=True)]
    assert scores.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(_seeds, st.integers(0, 5), st.integers(1, 4))
def test_what_is_shown_takes_no_column(seed, n_rows, n_columns):
    rng = np.random.default_rng(seed)
    n_items = 12
    lengths = rng.integers(0, 8, n_rows)
    candidates = np.full((n_rows, 8), -1, np.int32)
    for row, length in enumerate(lengths):
        candidates[row, :length] = rng.permutation(n_items)[:length]
    appeal, shown = rng.random(n_items).astype(np.float32), rng.random(n_items) < 0.5
    kept, looks = rng.random(n_rows) < 0.3, rng.random(n_columns).astype(np.float32)
    sums = np.empty(n_rows, np.float32)
    looked_at(candidates, appeal, kept, shown, looks, sums)
    for row in range(n_rows):
        free = [item for item in candidates[row].tolist() if item >= 0 and (kept[row] or not shown[item])]
        expected = sum(float(looks[k]) * float(appeal[item]) for k, item in enumerate(free[:n_columns]))
        assert sums[row] == pytest.approx(expected, rel=1e-5, abs=1e-6)
