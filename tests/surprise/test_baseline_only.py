import numpy as np
import pytest
from hypothesis import given

import foretaste as ft
from beside import SIDES, dataset, fitted, ours, pairs, ratings, same

OPTIONS = [
    {},
    {"method": "als", "n_epochs": 3, "reg_u": 0.5, "reg_i": 2},
    {"method": "sgd"},
    {"method": "sgd", "n_epochs": 4, "learning_rate": 0.1, "reg": 1},
]


@pytest.mark.parametrize("options", OPTIONS)
@given(rows=ratings((-2.7, 0.1, 1.1, 2.3, 4.9)))
def test_biases_and_predictions_are_theirs_to_the_last_bit(options, rows):
    expected, found = fitted(rows, "BaselineOnly", bsl_options=options, verbose=False)
    assert same((found.bu, found.bi), (expected.bu, expected.bi))
    assert same(found.test(pairs(rows)), expected.test(pairs(rows)))
    assert same([found.predict(*pair) for pair in pairs(rows)[-3:]], expected.test(pairs(rows)[-3:]))


def test_it_says_what_it_does(capsys):
    fitted([(0, "a", 3.0), (1, "a", 4.0)], "BaselineOnly", bsl_options={"method": "sgd"})
    assert capsys.readouterr().out == "Estimating biases using sgd...\n" * len(SIDES)


def test_an_unknown_method_is_refused(capsys):
    with pytest.raises(ValueError, match="'als' or 'sgd', got 'exact'"):
        ours.BaselineOnly({"method": "exact"}).fit(dataset(ours, [(0, "a", 3.0)]).build_full_trainset())
    assert capsys.readouterr().out == "Estimating biases using exact...\n"


@pytest.mark.parametrize("options", OPTIONS)
def test_the_native_model_has_the_same_biases(options, tmp_path):
    rows = list(ft.datasets.albums().select("user", "item", "rating").iter_rows())
    algo = ours.BaselineOnly(options, verbose=False).fit(dataset(ours, rows, (0, 5)).build_full_trainset())
    model = algo.to_foretaste()
    asked = [(user, item) for user in ("an", "diego") for item in ("bts", "sanam")]
    expected = [algo.predict(*pair).est for pair in asked]
    np.testing.assert_allclose(model.predict(asked), expected, rtol=1e-6)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(ft.load(tmp_path / "model").predict(asked), model.predict(asked))
    assert len(model.recommend("an", n=1, exclude_seen=False)) == 1
    assert model.explain("an", "bts")["term"].to_list()[:3] == ["global mean", "user bias", "item bias"]
    assert len(model.fold_in({"bts": 5}, user="new").recommend("new", n=1)) == 1
