import numpy as np
import pandas as pd
import pytest
import surprise as peer
from hypothesis import given
from hypothesis import strategies as st

import foretaste as ft
from foretaste import surprise as ours

OPTIONS = [
    {},
    {"method": "als", "n_epochs": 3, "reg_u": 0.5, "reg_i": 2},
    {"method": "sgd"},
    {"method": "sgd", "n_epochs": 4, "learning_rate": 0.1, "reg": 1},
]
pairs = st.tuples(st.integers(0, 5), st.sampled_from("abcde"))
tables = st.lists(st.tuples(pairs, st.sampled_from([-1.5, 0.1, 2.3, 3.5, 5.0])), min_size=1, max_size=25)


def trainset(library, rows, scale=(1, 5)):
    frame = pd.DataFrame(rows, columns=["user", "item", "rating"])
    return library.Dataset.load_from_df(frame, library.Reader(rating_scale=scale)).build_full_trainset()


@pytest.mark.parametrize("options", OPTIONS)
@given(table=tables)
def test_biases_and_predictions_are_theirs_to_the_last_bit(options, table):
    rows = [(*pair, rating) for pair, rating in table]
    expected = peer.BaselineOnly(options, verbose=False).fit(trainset(peer, rows))
    algo = ours.BaselineOnly(bsl_options=options, verbose=False).fit(trainset(ours, rows))
    np.testing.assert_array_equal(algo.bu, expected.bu)
    np.testing.assert_array_equal(algo.bi, expected.bi)
    asked = [*rows, (0, "nothing", 3.0), ("nobody", "a", None), ("nobody", "nothing", 1)]
    assert algo.test(asked) == expected.test(asked)
    assert [algo.predict(*row) for row in asked] == expected.test(asked)


def test_it_says_what_it_does(capsys):
    rows = [(0, "a", 3.0), (1, "a", 4.0)]
    for library in (peer, ours):
        library.BaselineOnly({"method": "sgd"}).fit(trainset(library, rows))
    first, second = capsys.readouterr().out.splitlines()
    assert first == second == "Estimating biases using sgd..."


def test_an_unknown_method_is_refused(capsys):
    with pytest.raises(ValueError, match="'als' or 'sgd', got 'exact'"):
        ours.BaselineOnly({"method": "exact"}).fit(trainset(ours, [(0, "a", 3.0)]))
    assert capsys.readouterr().out == "Estimating biases using exact...\n"


@pytest.mark.parametrize("options", OPTIONS)
def test_the_native_model_has_the_same_biases(options, tmp_path):
    rows = list(ft.datasets.albums().to_frame().select("user", "item", "rating").iter_rows())
    algo = ours.BaselineOnly(options, verbose=False).fit(trainset(ours, rows, (0, 5)))
    model = algo.to_foretaste()
    asked = [(user, item) for user in ("an", "diego") for item in ("bts", "sanam")]
    expected = [algo.predict(*pair).est for pair in asked]
    np.testing.assert_allclose(model.predict(asked), expected, rtol=1e-6)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(ft.load(tmp_path / "model").predict(asked), model.predict(asked))
    assert len(model.recommend("an", n=2)) == 2
    assert model.explain("an", "bts")["term"].to_list()[:3] == ["global mean", "user bias", "item bias"]
    assert len(model.fold_in({"new": {"bts": 5}}).recommend("new", n=1)) == 1
