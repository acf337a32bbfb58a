"""What algorithms share, beside the real thing; custom algorithms are written once and run on both."""

import re

import numpy as np
import pytest
import surprise as peer
from hypothesis import given
from hypothesis import strategies as st

import foretaste as ft
from foretaste import surprise as ours
from foretaste.exceptions import DataError, UnsupportedError
from foretaste.surprise._native import fitted
from foretaste.surprise.prediction_algorithms.algo_base import BatchAlgo, Estimates

BOTH = pytest.mark.parametrize("lib", [ours, peer], ids=["ours", "peer"])
ROWS = [
    *[("an", "bts", 0.5, None), ("an", "sanam", 4.5, None), ("bo", "bts", 5.0, None), ("cy", 1, 3.0, None)],
    *[("cy", "sanam", 2.0, None), ("bo", 1, 1.0, None)],
]
# Known and unknown ones, of other types too, and numbers at and beyond the ends of the scale.
ASKED = [
    (user, item, rating) for user in ("an", "bo", "cy", "?", 1) for item in ("bts", 1, "1") for rating in (3.5, None)
]
VALUES = [0.5, 5.0, 7.5, -2.0, float("nan"), 3.25, 0.75, float("inf"), -float("inf")]


def trainset(lib, scale=(0.5, 5)):
    return lib.Dataset(lib.Reader(rating_scale=scale)).construct_trainset(ROWS)


def formula(u, i):
    """Of inner ids, -1 for unknown: a value, the number of a reason (0: none) and a detail."""
    return VALUES[(3 * u + i + 4) % len(VALUES)], (2 if (u, i) == (-1, -1) else int(i < 0)), 10 * u + i


TEXTS = ("No such item.", "Neither is known.")


class Batch(BatchAlgo):
    def __init__(self, *, detailed=False):
        super().__init__()
        self.detailed = detailed

    def _estimates(self, users, items):
        rows = [formula(u, i) for u, i in zip(users.tolist(), items.tolist(), strict=True)]
        values, reasons, extra = (np.array(column) for column in zip(*rows, strict=True))
        details = {"extra": extra, "name": np.array([str(n) for n in extra])} if self.detailed else {}
        return Estimates(values, reasons.astype(np.int8), TEXTS, details, users >= 0 if self.detailed else None)


class Pairwise(peer.AlgoBase):
    def __init__(self, *, detailed=False):
        super().__init__()
        self.detailed = detailed

    def estimate(self, u, i):
        u, i = (x if isinstance(x, int) else -1 for x in (u, i))
        value, reason, extra = formula(u, i)
        if reason:
            raise peer.PredictionImpossible(TEXTS[reason - 1])
        value = np.float64(value)
        return (value, {"extra": extra, "name": str(extra)}) if self.detailed and u >= 0 else value


# One call for a whole test set -----------------------------------------------------------------------------------


@pytest.mark.parametrize("detailed", [False, True])
def test_a_batch_gives_what_pair_by_pair_gives(detailed, capsys):
    mine = Batch(detailed=detailed).fit(trainset(ours))
    theirs = Pairwise(detailed=detailed).fit(trainset(peer))
    printed = []
    for algo in (mine, theirs):
        found = algo.test(ASKED, verbose=True)
        printed += [([repr(one) for one in found], capsys.readouterr().out)]
        found = [algo.predict(*pair, verbose=True) for pair in ASKED]
        printed += [([repr(one) for one in found], capsys.readouterr().out)]
    assert printed == [printed[-1]] * 4
    assert "Neither is known." in printed[0][1]
    for clip in (False, True):
        assert repr(mine.predict("an", "bts", clip=clip)) == repr(theirs.predict("an", "bts", clip=clip))


def test_details_belong_to_one_prediction_alone():
    found = Batch().fit(trainset(ours)).test(ASKED)
    found[0].details["note"] = 1
    assert all("note" not in other.details for other in found[1:])


@given(
    st.lists(st.tuples(st.sampled_from(["an", "bo", "?"]), st.sampled_from(["bts", 1, "?"]), st.just(1.0)), max_size=9)
)
def test_a_test_set_may_be_an_iterator(asked):
    mine, theirs = Batch().fit(trainset(ours)), Pairwise().fit(trainset(peer))
    if asked:
        assert repr(mine.test(iter(asked))) == repr(theirs.test(iter(asked)))


def test_what_a_subclass_changes_counts_for_every_pair():
    class Estimate(Batch):
        def estimate(self, u, i):
            return 1.0

    class Predict(Batch):
        def predict(self, *pair, **_):
            return pair

    class Default(Batch):
        def default_prediction(self):
            return 4.5

    data = trainset(ours)
    assert {one.est for one in Estimate().fit(data).test(ASKED)} == {1.0}
    assert Predict().fit(data).test(ASKED[:2]) == [("an", "bts", 3.5), ("an", "bts", None)]
    assert {one.est for one in Default().fit(data).test(ASKED) if one.details["was_impossible"]} == {4.5}
    changed = Batch().fit(data)
    changed.estimate = lambda u, i: 2.0
    assert {one.est for one in changed.test(ASKED)} == {2.0}


def test_a_faster_estimate_beside_the_batch_keeps_the_batch():
    class Both(Batch):
        def estimate(self, u, i):
            raise AssertionError

        def _estimates(self, users, items):
            return Estimates(np.full(users.size, 2.0))

    assert {one.est for one in Both().fit(trainset(ours)).test(ASKED)} == {2.0}


# Custom algorithms ------------------------------------------------------------------------------------------------


def custom(lib):
    """A custom algorithm as the documentation of Surprise writes them, with all that one may do."""

    class MeansOrNot(lib.AlgoBase):
        def __init__(self, sim_options=None, bsl_options=None):
            lib.AlgoBase.__init__(self, sim_options=sim_options or {}, bsl_options=bsl_options or {})

        def fit(self, trainset):
            lib.AlgoBase.fit(self, trainset)
            self.the_mean = np.mean([r for (_, _, r) in self.trainset.all_ratings()])
            return self

        def estimate(self, u, i):
            if not self.trainset.knows_user(u):
                reason = f"{u} is new."
                raise lib.PredictionImpossible(reason)
            if not self.trainset.knows_item(i):
                return self.the_mean, {"item": i}
            return sum(r for _, r in self.trainset.ur[u]) / len(self.trainset.ur[u]) + len(self.trainset.ir[i])

    return MeansOrNot


def test_a_custom_algorithm_predicts_the_same(capsys):
    outcomes = []
    for lib in (ours, peer):
        algo = custom(lib)().fit(trainset(lib))
        assert isinstance(algo, lib.AlgoBase)
        outcomes.append((repr(algo.test(ASKED, verbose=True)), capsys.readouterr().out, algo.bu, algo.sim_options))
        assert algo.predict("?", "bts").details == {"was_impossible": True, "reason": "UKN__? is new."}
        assert algo.predict("an", "?").details == {"item": "UKN__?", "was_impossible": False}
    assert outcomes[0] == outcomes[1]


def test_options_stay_the_callers_own():
    options = {"name": "cosine"}
    algo = custom(ours)(sim_options=options)
    assert algo.sim_options == {"name": "cosine", "user_based": True}
    assert options == {"name": "cosine"}
    assert custom(ours)(sim_options={"user_based": False}).sim_options == {"user_based": False}


def test_who_says_nothing_of_a_rating_is_told_to():
    with pytest.raises(NotImplementedError, match="AlgoBase does not say how it estimates"):
        ours.AlgoBase().fit(trainset(ours)).predict("an", "bts")


@pytest.mark.parametrize("user_based", [True, False])
@pytest.mark.parametrize("k", [0, 1, 2, 10])
def test_neighbours_in_order_ties_by_id(user_based, k):
    sim = np.array([[1, 0.5, 0.5], [0.5, 1, 0.9], [0.5, 0.9, 1]])
    found = []
    for lib in (ours, peer):
        algo = custom(lib)(sim_options={"user_based": user_based}).fit(trainset(lib))
        algo.sim = sim
        found.append([algo.get_neighbors(x, k) for x in range(3)])
    assert found[0] == found[1]


# NormalPredictor ---------------------------------------------------------------------------------------------------


def test_normal_predictor_draws_the_same():
    outcomes = []
    for lib in (ours, peer):
        algo = lib.NormalPredictor().fit(trainset(lib))
        np.random.seed(3)
        outcomes.append((algo.sigma, algo.test(ASKED), algo.predict("an", "bts"), np.random.normal()))
    assert outcomes[0] == outcomes[1]


def test_normal_predictor_has_the_same_sigma_of_many_ratings():
    ratings = np.random.default_rng(1).normal(3, 1, 5000).tolist()
    rows = [("an", item, rating, None) for item, rating in enumerate(ratings)]
    sigmas = [
        lib.NormalPredictor().fit(lib.Dataset(lib.Reader()).construct_trainset(rows)).sigma for lib in (ours, peer)
    ]
    assert sigmas[0] == sigmas[1]


# To foretaste ------------------------------------------------------------------------------------------------------


def test_normal_predictor_becomes_random(tmp_path):
    algo = ours.NormalPredictor().fit(trainset(ours))
    model = algo.to_foretaste()
    assert isinstance(model, ft.Random)
    assert (model.global_mean_, model.spread_) == (algo.trainset.global_mean, algo.sigma)
    assert model.scale_ == (0.5, 5)
    assert list(model.item_vocabulary_) == ["bts", "sanam", 1]
    assert len(model.history_) == 0
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(ft.load(tmp_path / "model").predict([("an", 1)]), model.predict([("an", 1)]))
    assert model.recommend("an", n=5)["item"].to_list() == [1]


def test_a_custom_algorithm_has_no_counterpart():
    with pytest.raises(UnsupportedError, match=re.escape("FunkSVD().fit(algo.trainset.to_interactions())")):
        custom(ours)().fit(trainset(ours)).to_foretaste()


def learned(n_users, n_items, k=2):
    zeros = {
        "user_biases_": n_users,
        "item_biases_": n_items,
        "user_factors_": (n_users, k),
        "item_factors_": (n_items, k),
    }
    arrays = {name: np.zeros(shape, np.float32) for name, shape in zeros.items()}
    return {"global_mean_": 3.0, "spread_": 1.0, "reg_": 0.1, **arrays}


def test_what_is_handed_over_has_to_fit():
    data = trainset(ours)
    model = fitted(ft.FunkSVD(n_factors=2), data, **learned(3, 3))
    assert model.predict([("an", "bts")]).tolist() == [3.0]
    for wrong in (
        learned(3, 4),
        learned(3, 3) | {"user_biases_": np.zeros(3)},
        learned(3, 3) | {"spread_": float("nan")},
        learned(3, 3) | {"more_": 1.0},
        {name: value for name, value in learned(3, 3).items() if name != "reg_"},
    ):
        with pytest.raises(ValueError, match=r"."):
            fitted(ft.FunkSVD(n_factors=2), data, **wrong)


def test_pairs_that_occur_twice_are_told_where_they_matter():
    data = ours.Dataset(ours.Reader()).construct_trainset([("an", "bts", 1.0, None)] * 2)
    with pytest.raises(DataError, match="SVDpp needs one rating at most of each pair"):
        fitted(ft.SVDpp(n_factors=2), data, **learned(1, 1))


# Prediction --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields", [("a", 1, None, 2.345, {}), (1, "b", 3, 4, {"was_impossible": True}), (1, 2, 3.0, 4.0, None)]
)
def test_a_prediction_is_written_the_same(fields):
    mine, theirs = ours.Prediction(*fields), peer.Prediction(*fields)
    assert (str(mine), repr(mine)) == (str(theirs), repr(theirs))
    assert mine == theirs
    assert mine._fields == theirs._fields
    assert not hasattr(mine, "__dict__")
