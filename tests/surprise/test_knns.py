import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foretaste as ft
from beside import SIDES, dataset, fitted, ours, pairs, ratings, real_rows, same
from foretaste.exceptions import InvalidParameterError

NAMES = ("KNNBasic", "KNNWithMeans", "KNNWithZScore", "KNNBaseline")
SIMILARITIES = ("cosine", "msd", "pearson", "pearson_baseline")
LEARNED = ("sim", "means", "sigmas", "overall_sigma", "bu", "bi", "bx", "by", "n_x", "n_y", "xr", "yr", "sim_options")
# sums of these depend on their order
UNEVEN = (-2.7, 0.1, 1.1, 2.3, 4.9)
ROWS = [("an", "x", 1), ("an", "y", 4), ("bo", "x", 3), ("bo", "y", 2), ("cy", "y", 5), ("cy", "z", 2), ("an", "z", 2)]

pytestmark = pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # the peer's, of 0 / 0


def both(rows, name, **parameters):
    """The two fitted, or that they divide by 0."""
    try:
        expected = getattr(SIDES[0], name)(**parameters).fit(dataset(SIDES[0], rows).build_full_trainset())
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError, match=r"similarity of \d+ and \d+"):
            getattr(ours, name)(**parameters).fit(dataset(ours, rows).build_full_trainset())
        return None
    return expected, getattr(ours, name)(**parameters).fit(dataset(ours, rows).build_full_trainset())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(
    rows=ratings() | ratings(UNEVEN),
    similarity=st.sampled_from(SIMILARITIES),
    user_based=st.booleans(),
    min_support=st.integers(1, 2),
    k=st.sampled_from([0, 1, 2, 3, 40]),
    min_k=st.integers(1, 3),
)
def test_everything_is_theirs_to_the_last_bit(name, rows, similarity, user_based, min_support, k, min_k):
    options = {"name": similarity, "user_based": user_based, "min_support": min_support, "shrinkage": 2}
    found = both(rows, name, k=k, min_k=min_k, sim_options=options, verbose=False)
    if found is None:
        return
    expected, algo = found
    assert same(algo.test(pairs(rows)), expected.test(pairs(rows)))
    for attribute in LEARNED:
        assert hasattr(algo, attribute) == hasattr(expected, attribute), attribute
        assert same(getattr(algo, attribute, None), getattr(expected, attribute, None)), attribute
    assert same([algo.predict(*pair) for pair in pairs(rows)[:5]], expected.test(pairs(rows)[:5]))


@pytest.mark.parametrize("user_based", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_many_neighbours_of_a_real_set(name, user_based, need_set):
    need_set("ml-100k")
    rows = real_rows(6000)
    options = {"name": "msd" if user_based else "pearson_baseline", "user_based": user_based}
    expected, found = fitted(rows, name, k=6, sim_options=options, verbose=False)
    np.testing.assert_array_equal(found.sim, expected.sim)
    assert same(found.test(pairs(rows)), expected.test(pairs(rows)))
    assert found.get_neighbors(3, 7) == expected.get_neighbors(3, 7)


@settings(max_examples=20)
@given(
    values=st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, np.nan]), min_size=120, max_size=120),
    k=st.integers(0, 40),
)
def test_the_best_of_many_are_those_a_heap_hands_out(values, k):
    # one item that all have rated, and similarities with ties, with none above 0 and with some that are no numbers
    rows = [(user, "x", user % 5 + user / 64) for user in range(len(values))]
    for fill in (values, np.nan_to_num(values, nan=0.3).tolist()):
        expected, found = fitted(rows, "KNNWithMeans", k=k, verbose=False)
        for algo in (expected, found):
            algo.sim = np.tile(fill, (len(fill), 1))
            algo.means = np.linspace(1, 2, len(fill))
        asked = [(user, "x", None) for user in (0, 7)]
        assert same(found.test(asked), expected.test(asked))


@pytest.mark.parametrize("k", [-1, 0, 1, 5, 90])
def test_the_nearest_are_those_a_heap_hands_out(k):
    rows = [(user, "x", user % 5) for user in range(60)]
    found = []
    for algo in fitted(rows, "KNNBasic", verbose=False):
        algo.sim[3, ::7] = np.nan
        found.append([algo.get_neighbors(x, k) for x in (3, 4)])
    assert found[0] == found[1]


def test_without_anybody_a_mean_of_neighbours_is_impossible():
    algo = ours.KNNBasic(min_k=0, verbose=False).fit(dataset(ours, ROWS).build_full_trainset())
    algo.sim = np.zeros_like(algo.sim)
    predicted = algo.predict("cy", "x")
    assert predicted.details == {"was_impossible": True, "reason": "Not enough neighbors."}
    assert predicted.est == algo.trainset.global_mean


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("similarity", ["MSD", "pearson_baseline"])
def test_it_says_what_it_does(name, similarity, capsys):
    fitted(ROWS, name, sim_options={"name": similarity, "min_support": 3})
    printed = capsys.readouterr().out.splitlines()
    half = len(printed) // 2
    assert printed[:half] == printed[half:]
    assert printed[-1] == "Done computing similarity matrix."


def test_an_unknown_similarity_is_a_name_error(capsys):
    with pytest.raises(NameError, match="must be one of cosine, msd, pearson, pearson_baseline, got 'jaccard'"):
        ours.KNNBasic(sim_options={"name": "jaccard"}).fit(dataset(ours, ROWS).build_full_trainset())
    assert capsys.readouterr().out == "Computing the jaccard similarity matrix...\n"


def test_the_options_of_the_caller_stay_as_they_are():
    options = {"name": "cosine"}
    algo = ours.KNNBasic(sim_options=options, verbose=False)
    assert (options, algo.sim_options) == ({"name": "cosine"}, {"name": "cosine", "user_based": True})
    assert ours.KNNBasic().sim_options == {"user_based": True}


def test_lists_of_ratings_are_made_when_they_are_asked_for_and_of_the_last_trainset():
    algo = ours.KNNWithMeans(verbose=False).fit(dataset(ours, ROWS).build_full_trainset())
    assert "xr" not in vars(algo)
    assert algo.xr is algo.trainset.ur
    assert algo.yr[0] == [(0, 1.0), (1, 3.0)]
    algo.fit(dataset(ours, ROWS[:2]).build_full_trainset())
    assert algo.yr == {0: [(0, 1.0)], 1: [(0, 4.0)]}


def test_an_algorithm_of_ones_own_builds_on_these():
    results = []
    for side in SIDES:

        class Halved(side.KNNBasic):
            def estimate(self, u, i):
                estimated, details = super().estimate(u, i)
                return estimated / 2, details

        class Nearest(side.prediction_algorithms.knns.SymmetricAlgo):
            def fit(self, trainset):
                super().fit(trainset)
                self.sim = self.compute_similarities()
                return self

            def estimate(self, u, i):
                x, y = self.switch(u, i)
                return max((self.sim[x, other], rating) for other, rating in self.yr[y])[1]

        trainset = dataset(side, ROWS).build_full_trainset()
        known = [("an", "x", None), ("cy", "z", None)]
        results.append([algo.fit(trainset).test(known) for algo in (Halved(), Nearest({"user_based": False}))])
    assert same(*results)


def test_pickled_and_back_it_predicts_the_same():
    algo = ours.KNNBaseline(verbose=False).fit(dataset(ours, ROWS).build_full_trainset())
    back = pickle.loads(pickle.dumps(algo))  # noqa: S301  made in the line itself
    assert same(back.test(pairs(ROWS)), algo.test(pairs(ROWS)))


def test_dumped_and_back_it_predicts_the_same(tmp_path):
    algo = ours.KNNWithZScore(verbose=False).fit(dataset(ours, ROWS).build_full_trainset())
    ours.dump.dump(tmp_path / "dumped", algo=algo)
    assert same(ours.dump.load(tmp_path / "dumped")[1].test(pairs(ROWS)), algo.test(pairs(ROWS)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("user_based", [True, False])
@pytest.mark.parametrize(("similarity", "exact"), [("pearson_baseline", 1.0), ("pearson", 0.97), ("cosine", 0.9)])
def test_the_native_model_is_the_same_but_for_ties_and_what_was_rated(name, user_based, similarity, exact, tmp_path):
    rng = np.random.default_rng(1)
    rows = [(u, i, float(rng.integers(1, 11)) / 2) for u in range(40) for i in range(25) if rng.random() < 0.5]
    options = {"name": similarity, "user_based": user_based}
    trainset = dataset(ours, rows, (0.5, 5)).build_full_trainset()
    algo = getattr(ours, name)(k=8, min_k=2, sim_options=options, verbose=False).fit(trainset)
    model = algo.to_foretaste()
    rated = {row[:2] for row in rows}
    known = [(user, item) for user in range(40) for item in range(25) if (user, item) not in rated]
    expected = np.array([algo.predict(*pair).est for pair in known])
    close = np.isclose(model.predict(known), expected, rtol=1e-5)
    assert close.mean() >= exact
    recommended = model.recommend(3, n=2)
    assert model.explain(3, recommended["item"][0])["value"].sum() == pytest.approx(recommended["score"][0], abs=1e-4)
    assert len(model.fold_in({1: 5.0, 2: 1.0}, user=99).recommend(99, n=2)) == 2
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(ft.load(tmp_path / "model").predict(known), model.predict(known))


def test_a_native_model_of_no_neighbours_is_refused():
    algo = ours.KNNBasic(k=0, verbose=False).fit(dataset(ours, ROWS).build_full_trainset())
    with pytest.raises(InvalidParameterError, match="'n_neighbors' of UserKNN"):
        algo.to_foretaste()
