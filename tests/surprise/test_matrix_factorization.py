"""SVD, SVDpp and NMF beside those of the Surprise package."""

import pickle
from collections import defaultdict
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import surprise as peer
from hypothesis import given, settings
from hypothesis import strategies as st

import foretaste as ft
from foretaste.data import datasets
from foretaste.exceptions import DataError, UnsupportedError
from foretaste.surprise.prediction_algorithms import matrix_factorization
from foretaste.surprise.prediction_algorithms.matrix_factorization import NMF, SVD, SVDpp
from foretaste.surprise.prediction_algorithms.predictions import PredictionImpossible
from foretaste.surprise.trainset import Trainset

OURS = {"SVD": SVD, "SVDpp": SVDpp, "NMF": NMF}
LEARNED = {"SVD": ("bu", "bi", "pu", "qi"), "SVDpp": ("bu", "bi", "pu", "qi", "yj"), "NMF": ("bu", "bi", "pu", "qi")}
OWN = {"lr_bu": 0.01, "lr_bi": 0.002, "reg_bu": 0.5, "reg_bi": 0.1}
FOR_EACH = OWN | {"lr_pu": 0.02, "lr_qi": 0.004, "reg_pu": 0.05, "reg_qi": 0.3}
SVDPP = [
    ("SVDpp", {}),
    ("SVDpp", {"cache_ratings": True, "n_epochs": 3}),
    ("SVDpp", {"n_factors": 3, "n_epochs": 5, "lr_yj": 0.05, "reg_yj": 0.4} | FOR_EACH),
    ("SVDpp", {"n_factors": 2, "init_mean": 0.2, "init_std_dev": 0.3, "lr_all": 0.02, "reg_all": 0.5}),
    ("SVDpp", {"n_factors": 0, "n_epochs": 2}),
]
SAME_BITS = [
    *SVDPP,
    ("SVD", {}),
    ("SVD", {"biased": False, "n_factors": 7}),
    ("SVD", {"n_factors": 3, "init_mean": 0.4, "init_std_dev": 0.01, "lr_all": 0.05, "reg_all": 0.1}),
    ("SVD", {"n_factors": 1, "lr_all": 0.03, "reg_all": 0} | FOR_EACH),
    ("SVD", {"n_factors": 0}),
    ("SVD", {"n_epochs": 0}),
    ("NMF", {}),
    ("NMF", {"biased": True, "n_factors": 4} | OWN),
    ("NMF", {"n_factors": 1, "reg_pu": 0.5, "reg_qi": 0.01, "init_low": 0.3, "init_high": 2}),
    ("NMF", {"n_epochs": 0, "n_factors": 0}),
]


def trainsets(rows, scale=(0.5, 5)):
    """The same ratings for us and for the peer."""
    ours = Trainset.from_columns(*zip(*rows, strict=True), scale)
    frame = pd.DataFrame(rows, columns=["user", "item", "rating"])
    return ours, peer.Dataset.load_from_df(frame, peer.Reader(rating_scale=scale)).build_full_trainset()


def both(name, rows, **parameters):
    """An algorithm of ours and the peer's, fitted to the same ratings."""
    ours, theirs = trainsets(rows)
    parameters = {"random_state": 0} | parameters
    return OURS[name](**parameters).fit(ours), getattr(peer, name)(**parameters).fit(theirs)


def one_step_a_user():
    """SVDpp takes small sets for large ones, but for users who have an item twice."""
    return patch.object(matrix_factorization, "_ONE_BY_ONE", -1)


def everything(rows):
    """All pairs, of an unknown user and an unknown item too."""
    users, items = ({row[side] for row in rows} | {"nobody"} for side in (0, 1))
    return [(user, item, 3.0) for user in users for item in items]


def sample(n_users=70, n_items=40, n_ratings=900, seed=1):
    """Half stars; some items are rated by nearly everybody, as the groups of the descent have to expect."""
    rng = np.random.default_rng(seed)
    pairs = dict.fromkeys(zip(rng.integers(0, n_users, n_ratings), rng.zipf(1.4, n_ratings) % n_items, strict=True))
    return [(int(user), int(item), rng.integers(1, 11) / 2) for user, item in pairs]


@st.composite
def small(draw, ratings=(1.0, 2.5, 3.0, 4.5, 5.0)):
    """A few ratings, of one user or many, with pairs that occur twice."""
    users, items = st.integers(0, draw(st.integers(0, 6))), st.integers(0, draw(st.integers(0, 5)))
    return draw(st.lists(st.tuples(users, items, st.sampled_from(ratings)), min_size=1, max_size=30))


def tuples(predictions):
    return [tuple(prediction) for prediction in predictions]


def assert_same(ours, theirs, rows):
    for name in LEARNED[type(ours).__name__]:
        assert np.array_equal(getattr(ours, name), getattr(theirs, name), equal_nan=True), name
    assert tuples(ours.test(everything(rows))) == tuples(theirs.test(everything(rows)))


def assert_close(ours, theirs, rows):
    for name in LEARNED["SVDpp"]:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-9)
    for mine, other in zip(ours.test(everything(rows)), theirs.test(everything(rows)), strict=True):
        assert abs(mine.est - other.est) < 1e-9
        assert (*mine[:3], mine.details) == (*other[:3], other.details)


# Numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "parameters"), SAME_BITS)
def test_numbers_are_those_of_surprise_to_the_bit(name, parameters):
    rows = sample(n_ratings=400 if name == "SVDpp" else 900)
    assert_same(*both(name, rows, **parameters), rows)


@pytest.mark.parametrize(("name", "parameters"), SVDPP)
def test_implicit_factors_in_one_step_a_user_are_those_of_single_steps(name, parameters):
    rows = sample(n_ratings=400)
    with one_step_a_user():
        ours, theirs = both(name, rows, **parameters)
    assert_close(ours, theirs, rows)


@given(small(), st.sampled_from(SAME_BITS))
def test_small_sets_give_the_same_bits(rows, case):
    name, parameters = case
    assert_same(*both(name, rows, **parameters), rows)


@given(small(), st.sampled_from(SVDPP))
def test_small_sets_give_the_same_implicit_factors_however_often_a_pair_occurs(rows, case):
    name, parameters = case
    with one_step_a_user():
        ours, theirs = both(name, rows, **parameters)
    assert_close(ours, theirs, rows)


@given(small(ratings=(-2.0, -0.5, 0.0, 1.0)), st.sampled_from(SAME_BITS))
def test_zero_and_negative_ratings_give_the_same_bits_or_the_same_exception(rows, case):
    name, parameters = case
    outcomes = []
    with np.errstate(all="ignore"):
        for index in (0, 1):
            try:
                outcomes.append(both(name, rows, **parameters)[index])
            except ZeroDivisionError:
                outcomes.append(ZeroDivisionError)
        if ZeroDivisionError in outcomes:
            assert outcomes == [ZeroDivisionError, ZeroDivisionError]
        else:
            assert_same(*outcomes, rows)


@settings(max_examples=5)
@given(small())
def test_after_200_epochs_implicit_factors_still_agree(rows):
    with one_step_a_user():
        ours, theirs = both("SVDpp", rows, n_epochs=200, n_factors=3)
    assert_close(ours, theirs, rows)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n_epochs"), [("SVD", 3), ("NMF", 3), ("SVDpp", 1)])
def test_movielens_gives_the_same_predictions(need_set, name, n_epochs):
    need_set("ml-100k")
    data = datasets.load("ml-100k")
    table = list(zip(data.user_codes.tolist(), data.item_codes.tolist(), data.ratings.tolist(), strict=True))
    rows = table[: 8_000 if name == "SVDpp" else 30_000]
    with one_step_a_user():
        ours, theirs = both(name, rows, n_epochs=n_epochs)
    mine, other = ours.test(rows[::20]), theirs.test(rows[::20])
    if name == "SVDpp":
        assert max(abs(one.est - two.est) for one, two in zip(mine, other, strict=True)) < 1e-9
    else:
        assert tuples(mine) == tuples(other)


# Randomness, settings, words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_without_a_seed_numbers_come_from_the_generator_of_numpy(name):
    rows = sample(n_ratings=100)
    fitted = []
    for factory, trainset in zip((OURS[name], getattr(peer, name)), trainsets(rows), strict=True):
        np.random.seed(5)
        fitted.append(factory(n_epochs=1).fit(trainset))
        fitted.append(factory(n_epochs=1).fit(trainset))
    for mine, other in zip(fitted[:2], fitted[2:], strict=True):
        np.testing.assert_allclose(mine.pu, other.pu, rtol=1e-12, atol=1e-12)
    assert (fitted[0].pu != fitted[1].pu).any()


@pytest.mark.parametrize("name", OURS)
def test_a_generator_goes_on_from_fit_to_fit(name):
    rows = sample(n_ratings=100)
    ours, theirs = both(name, rows, n_epochs=1, random_state=np.random.RandomState(3))
    alone = OURS[name](n_epochs=1, random_state=np.random.RandomState(3)).fit(ours.trainset)
    # `both` hands one generator to ours and then to the peer's
    assert (alone.qi == ours.qi).all()
    alone.fit(ours.trainset)
    np.testing.assert_allclose(alone.qi, theirs.qi, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "parameters"), SAME_BITS)
def test_settings_are_kept_under_the_names_of_surprise(name, parameters):
    ours, theirs = OURS[name](**parameters), getattr(peer, name)(**parameters)
    assert {key: value for key, value in vars(theirs).items() if key not in {"bsl_options", "sim_options"}} == {
        key: value for key, value in vars(ours).items() if key not in {"bsl_options", "sim_options"}
    }


@pytest.mark.parametrize("name", OURS)
def test_epochs_are_announced_in_the_same_words(name, capsys):
    rows, printed = sample(n_ratings=50), []
    for factory, trainset in zip((OURS[name], getattr(peer, name)), trainsets(rows), strict=True):
        factory(n_epochs=3, verbose=True).fit(trainset)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert printed[0].count("\n") == 3


@pytest.mark.parametrize(("name", "parameters"), SAME_BITS)
def test_one_pair_alone_gets_what_it_gets_among_others(name, parameters):
    rows = sample(n_ratings=300)
    ours = OURS[name](random_state=0, **parameters).fit(trainsets(rows)[0])
    testset = [*everything(rows)[::17], ("nobody", 0, None), (0, "nothing", None)]
    assert [ours.predict(*pair) for pair in testset] == ours.test(testset)


@pytest.mark.parametrize("name", OURS)
def test_a_pickled_algorithm_predicts_the_same(name):
    rows = sample(n_ratings=100)
    ours = both(name, rows)[0]
    assert pickle.loads(pickle.dumps(ours)).test(everything(rows)) == ours.test(everything(rows))  # noqa: S301


def test_a_trainset_whose_dictionaries_are_in_use_gives_the_same():
    rows = sample(n_ratings=200)
    ours, _ = both("SVDpp", rows)
    used = trainsets(rows)[0]
    assert used.ur[0]
    assert used.ir[0]
    assert SVDpp(random_state=0).fit(used).test(everything(rows)) == ours.test(everything(rows))


# What goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factory", [SVD, NMF])
def test_without_biases_somebody_unknown_is_impossible(factory):
    algo = factory(biased=False).fit(trainsets(sample())[0])
    with pytest.raises(PredictionImpossible, match=r"^User and item are unknown\.$"):
        algo.estimate(0, "UKN__nothing")


def test_factors_must_not_start_below_zero():
    with pytest.raises(ValueError, match="init_low"):
        NMF(init_low=-0.1)


def test_a_user_without_ratings_is_a_division_by_zero_and_leaves_the_old_fit():
    lists = defaultdict(list, {0: [(0, 4.0)]})
    bad = (lists, defaultdict(list, {0: [(0, 4.0)]}), 2, 1, 1, (1, 5), {"a": 0, "b": 1}, {"x": 0})
    with pytest.raises(ZeroDivisionError):
        peer.NMF().fit(peer.Trainset(*bad))
    algo = NMF().fit(trainsets(sample())[0])
    before = algo.pu
    with pytest.raises(ZeroDivisionError, match="reg_pu"):
        algo.fit(Trainset(*bad))
    assert algo.pu is before


def test_factors_that_are_zero_stay_so_undivided():
    ours, theirs = both("NMF", [(0, 0, 3.0), (0, 1, 0.0)], init_high=0)
    assert (ours.pu == 0).all()
    assert (theirs.pu == 0).all()


# To foretaste --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "native"),
    [
        ("SVD", {}, ft.FunkSVD),
        ("SVD", {"biased": False, "n_factors": 4}, ft.FunkSVD),
        ("SVD", {"n_epochs": 0}, ft.FunkSVD),
        ("SVDpp", {}, ft.SVDpp),
        ("NMF", {}, ft.NMF),
    ],
)
def test_native_models_predict_the_same_and_do_the_rest(name, parameters, native, tmp_path):
    rows = sample()
    algo = both(name, rows, **parameters)[0]
    model = algo.to_foretaste()
    assert type(model) is native
    pairs = [row[:2] for row in rows]
    expected = [prediction.est for prediction in algo.test(rows)]
    np.testing.assert_allclose(model.predict(pairs), expected, rtol=2e-6)
    assert len(model.recommend([0, 1], n=3)) == 6
    for by in ("factors", "history"):
        terms = model.explain(*pairs[0], by=by)
        assert sum(terms["value"].to_list()) == pytest.approx(expected[0], abs=1e-4)
    # somebody with the ratings of a known user lands near them
    known = {item: rating for user, item, rating in rows if user == 0}
    folded = model.fold_in(known)
    error = folded.predict([("new user", item) for item in known]) - list(known.values())
    assert np.sqrt(np.mean(error**2)) < np.std(list(known.values())) + 0.5
    model.save(tmp_path / "model")
    assert (ft.load(tmp_path / "model").predict(pairs) == model.predict(pairs)).all()


def test_native_penalties_are_those_of_the_algorithm():
    algo = both("SVD", sample(), reg_pu=0.3, reg_bu=0.5)[0]
    model, trainset = algo.to_foretaste(), algo.trainset
    penalty = model._penalty()
    assert penalty.factors == pytest.approx(0.3)
    assert penalty.bias == pytest.approx(0.5 * trainset.n_ratings / trainset.n_users)


@pytest.mark.parametrize(
    ("algo", "rows", "error"),
    [
        (NMF(biased=True, random_state=0), sample(), UnsupportedError),
        (NMF(random_state=0), [(0, 0, -1.0), (0, 1, -4.0), (1, 0, 2.0)], UnsupportedError),
        (SVDpp(random_state=0), [(0, 0, 1.0), (0, 0, 4.0)], DataError),
    ],
)
def test_what_no_native_model_can_hold_is_refused(algo, rows, error):
    algo.fit(trainsets(rows, scale=(-5, 5))[0])
    with pytest.raises(error, match=type(algo).__name__):
        algo.to_foretaste()
