"""A program as people write them for Surprise: every module, every algorithm, searches, folds, a file.

It knows nothing of foretaste. `test_unchanged.py` runs it under the real package and under ours, and compares what it
prints. Seconds are the only thing in it that differ from run to run.
"""

import os
import pickle
import random
import sys
from collections import defaultdict

import numpy as np
import pandas as pd
import surprise
import surprise.__main__
import surprise.dataset
import surprise.model_selection.search
import surprise.model_selection.validation
import surprise.prediction_algorithms.matrix_factorization as factorization
import surprise.similarities as sims
import surprise.trainset
from surprise import (
    NMF,
    SVD,
    AlgoBase,
    BaselineOnly,
    CoClustering,
    Dataset,
    KNNBaseline,
    KNNBasic,
    KNNWithMeans,
    KNNWithZScore,
    NormalPredictor,
    Prediction,
    PredictionImpossible,
    Reader,
    SlopeOne,
    SVDpp,
    Trainset,
    accuracy,
    dump,
    get_dataset_dir,
)
from surprise import model_selection as ms
from surprise.builtin_datasets import BUILTIN_DATASETS
from surprise.dataset import DatasetAutoFolds, DatasetUserFolds
from surprise.model_selection import GridSearchCV, PredefinedKFold, RandomizedSearchCV, cross_validate
from surprise.model_selection.search import BaseSearchCV
from surprise.model_selection.split import KFold, get_cv
from surprise.model_selection.validation import fit_and_score, print_summary
from surprise.prediction_algorithms.algo_base import AlgoBase as Base
from surprise.prediction_algorithms.baseline_only import BaselineOnly as BaselinesAlone
from surprise.prediction_algorithms.co_clustering import CoClustering as Blocks
from surprise.prediction_algorithms.knns import SymmetricAlgo
from surprise.prediction_algorithms.optimize_baselines import baseline_als, baseline_sgd
from surprise.prediction_algorithms.predictions import Prediction as Answer
from surprise.prediction_algorithms.random_pred import NormalPredictor as Luck
from surprise.prediction_algorithms.slope_one import SlopeOne as Slope
from surprise.reader import Reader as LineReader
from surprise.utils import get_rng

USERS, ITEMS = 50, 30


class Middle(AlgoBase):
    """Halfway between a person's mean and the baseline; the likeness of the two people nearest to them goes along."""

    def __init__(self, sim_options=None, bsl_options=None, share=0.5):
        AlgoBase.__init__(self, sim_options=sim_options or {}, bsl_options=bsl_options or {})
        self.share = share

    def fit(self, trainset):
        AlgoBase.fit(self, trainset)
        self.bu, self.bi = self.compute_baselines()
        self.sim = self.compute_similarities()
        self.means = {u: np.mean([r for _, r in rated]) for u, rated in trainset.ur.items()}
        return self

    def estimate(self, u, i):
        if not self.trainset.knows_user(u):
            message = f"Nobody knows {u}."
            raise PredictionImpossible(message)
        if not self.trainset.knows_item(i):
            return self.means[u]
        nearest = sorted((self.sim[u, v] for v, _ in self.trainset.ir[i]), reverse=True)[:2]
        baseline = self.trainset.global_mean + self.bu[u] + self.bi[i]
        estimate = self.share * self.means[u] + (1 - self.share) * baseline
        return estimate, {"nearest": [round(float(s), 6) for s in nearest]}


class Cautious(SVD):
    """What SVD says, halfway back to the mean."""

    def estimate(self, u, i):
        return (SVD.estimate(self, u, i) + self.trainset.global_mean) / 2


class Welcoming(KNNBasic):
    """Neighbours, with a rating of its own for whom it does not know, and one neighbour more for all others."""

    def default_prediction(self):
        return 4.25

    def estimate(self, u, i):
        estimate, details = super().estimate(u, i)
        return estimate, {"actual_k": details["actual_k"] + 1}


class Uniform:
    """A distribution a randomized search can draw from."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def rvs(self, random_state):
        return random_state.uniform(self.low, self.high)


def section(title):
    print(f"\n== {title} ==")


def numbers(values):
    """Eight digits behind the point, which is more than any figure needs and less than a last bit."""
    return " ".join(f"{float(v):.8f}" for v in np.ravel(values))


def made_up_ratings():
    """Half stars of two kinds of people, a third of the table, one pair twice."""
    rng = np.random.RandomState(3)
    rows = []
    for user in range(USERS):
        for item in range(ITEMS):
            if rng.rand() < 0.35:
                liking = 3 + (1 if user % 2 == item % 2 else -1) + 0.3 * (item % 5 - 2) + rng.normal(0, 0.8)
                rows.append((f"u{user}", f"film {item}", float(np.clip(np.round(2 * liking) / 2, 0.5, 5))))
    rows.append((*rows[0][:2], 1.0))
    return pd.DataFrame(rows, columns=["userID", "itemID", "rating"])


def show(predictions, how_many=4):
    for prediction in predictions[:how_many]:
        print(prediction)
    estimates = [p.est for p in predictions]
    print(len(predictions), numbers([min(estimates), np.mean(estimates), max(estimates)]))
    print(sum(p.details["was_impossible"] for p in predictions), "impossible")


def top_n(predictions, n):
    best = defaultdict(list)
    for uid, iid, _, est, _ in predictions:
        best[uid].append((iid, est))
    for rated in best.values():
        rated.sort(key=lambda pair: pair[1], reverse=True)
        del rated[n:]
    return best


def outcome(call, *arguments, **keywords):
    """The name of the error that a call raises."""
    try:
        call(*arguments, **keywords)
    except Exception as error:
        return type(error).__name__
    return "none"


def names():
    section("names")
    print(sorted(name for name in surprise.__all__ if hasattr(surprise, name)))
    print(factorization.SVD is SVD, Base is AlgoBase, BaselinesAlone is BaselineOnly, Blocks is CoClustering)
    print(Answer is Prediction, Luck is NormalPredictor, Slope is SlopeOne, LineReader is Reader)
    print(surprise.trainset.Trainset is Trainset, surprise.dataset.Dataset is Dataset)
    print(surprise.model_selection.search.GridSearchCV is GridSearchCV, surprise.model_selection is ms)
    print(
        issubclass(KNNBasic, SymmetricAlgo), issubclass(SymmetricAlgo, AlgoBase), issubclass(GridSearchCV, BaseSearchCV)
    )
    print(issubclass(DatasetAutoFolds, Dataset), issubclass(DatasetUserFolds, Dataset), surprise.__version__)
    print(callable(surprise.__main__.main), callable(baseline_als), callable(baseline_sgd))
    print(callable(fit_and_score), callable(print_summary))
    print(sorted(BUILTIN_DATASETS), os.path.isdir(get_dataset_dir()))
    print(numbers(get_rng(5).rand(2)), outcome(get_rng, "five"))


def data(frame):
    section("data")
    print(Reader("ml-100k").parse_line("196\t242\t3\t881250949"), Reader(rating_scale=(0.5, 5)).rating_scale)
    print(outcome(Reader, line_format="user film stars"), outcome(Dataset.load_from_df, None, None))
    ratings = Dataset.load_from_df(frame, Reader(rating_scale=(0.5, 5)))
    print(type(ratings).__name__, len(ratings.raw_ratings), ratings.raw_ratings[0])
    trainset = ratings.build_full_trainset()
    print(trainset.n_users, trainset.n_items, trainset.n_ratings, trainset.rating_scale, numbers(trainset.global_mean))
    print(trainset.to_inner_uid("u3"), trainset.to_raw_iid(4), trainset.ur[0][:3], trainset.ir[1][:3], trainset.ur[900])
    print(outcome(trainset.to_inner_iid, "film 99"), outcome(trainset.to_raw_uid, 10_000))
    print(list(trainset.all_ratings())[:3], list(trainset.all_users())[-1], trainset.knows_item(29))
    print(trainset.build_testset()[-1], trainset.build_anti_testset()[0], trainset.build_anti_testset(fill=0)[-1])
    return ratings


def files(frame, folder):
    section("files")
    paths = []
    for fold in (0, 1):
        for kind in ("train", "test"):
            paths.append(os.path.join(folder, f"{kind}{fold}.csv"))
            rows = frame[frame.index % 5 == fold] if kind == "test" else frame[frame.index % 5 != fold]
            rows.to_csv(paths[-1], index=False)
    reader = Reader(line_format="user item rating", sep=",", skip_lines=1, rating_scale=(0.5, 5))
    one = Dataset.load_from_file(paths[0], reader=reader)
    print(type(one).__name__, len(one.raw_ratings), one.raw_ratings[-1])
    both = Dataset.load_from_folds([(paths[0], paths[1]), (paths[2], paths[3])], reader=reader)
    for trainset, testset in PredefinedKFold().split(both):
        accuracy.mae(BaselineOnly(verbose=False).fit(trainset).test(testset))
    print(outcome(Dataset.load_from_folds, [("no", "such file")], reader=reader))


def algorithms(trainset, testset):
    by_item = {"user_based": False}
    for algo in (
        NormalPredictor(),
        BaselineOnly(),
        BaselineOnly(bsl_options={"method": "sgd", "learning_rate": 0.01, "n_epochs": 7}),
        KNNBasic(),
        KNNBasic(k=5, min_k=3, sim_options={"name": "cosine", "user_based": False, "min_support": 2}),
        KNNWithMeans(k=7, sim_options={"name": "pearson"}),
        KNNWithZScore(k=7, sim_options=by_item),
        KNNBaseline(sim_options={"name": "pearson_baseline", "shrinkage": 20}, bsl_options={"reg_u": 8}),
        SVD(n_factors=5, random_state=1, verbose=True, n_epochs=3),
        SVD(n_factors=5, biased=False, reg_pu=0.1, random_state=1),
        SVD(n_factors=3),
        SVDpp(n_factors=4, n_epochs=8, random_state=1),
        SVDpp(n_factors=4, n_epochs=2, cache_ratings=True, lr_yj=0.01, random_state=2),
        NMF(n_factors=4, random_state=1),
        NMF(n_factors=4, biased=True, n_epochs=10, random_state=1),
        SlopeOne(),
        CoClustering(random_state=1, n_epochs=5, verbose=True),
    ):
        section(type(algo).__name__)
        predictions = algo.fit(trainset).test(testset)
        show(predictions)
        print(algo.predict("u1", "film 2", r_ui=3.5), algo.predict("nobody", "nothing").details)
        algo.predict("u1", "no film", verbose=True)
        print(numbers(algo.predict("u1", "film 3", clip=False).est))
        accuracy.rmse(predictions)
        accuracy.mse(predictions)
        accuracy.mae(predictions)
        accuracy.fcp(predictions)


def insides(trainset):
    section("insides")
    svd = SVD(n_factors=2, n_epochs=4, random_state=0).fit(trainset)
    print(
        svd.pu.shape, svd.qi.shape, numbers(svd.pu[:2]), numbers(svd.qi[-1]), numbers(svd.bu[:3]), numbers(svd.bi[:3])
    )
    knn = KNNBaseline(verbose=False).fit(trainset)
    print(knn.sim.shape, numbers(knn.sim[0, :6]), knn.get_neighbors(0, k=4), numbers(knn.bx[:2]))
    alike = KNNBasic(verbose=False, sim_options={"name": "cosine", "user_based": False}).fit(trainset)
    print(numbers(alike.compute_similarities()[2, :5]), alike.xr[0][:2], alike.n_y, alike.trainset is trainset)
    slope = SlopeOne().fit(trainset)
    print(slope.freq.dtype, slope.freq[0, :5], numbers(slope.dev[0, :5]), numbers(slope.user_mean[:3]))
    blocks = CoClustering(random_state=0).fit(trainset)
    print(blocks.cltr_u[:8], blocks.cltr_i[:8], numbers(blocks.avg_cocltr))
    by_film = {0: [(0, 3), (1, 4), (2, 1)], 1: [(0, 2), (1, 2.5)], 2: [(1, 5), (2, 4)]}
    print(numbers(sims.cosine(3, by_film, min_support=1)), numbers(sims.msd(3, by_film, 1)))
    print(numbers(sims.pearson(3, by_film, 2)))
    biases = np.array([0.1, -0.2, 0.3])
    print(numbers(sims.pearson_baseline(3, by_film, 1, 3.0, biases, biases)))
    print(outcome(BaselineOnly(bsl_options={"method": "guess"}).fit, trainset))
    print(outcome(KNNBasic(sim_options={"name": "friendship"}).fit, trainset), outcome(NMF, init_low=-1))


def own_algorithm(ratings):
    section("an algorithm of one's own")
    trainset, testset = ms.train_test_split(ratings, test_size=0.3, random_state=2)
    predictions = Middle(sim_options={"name": "msd"}).fit(trainset).test([*testset, ("stranger", "film 1", 4.0)])
    show(predictions)
    print(predictions[-1])
    print([numbers(found) for found in cross_validate(Middle(), ratings, cv=KFold(3, random_state=0))["test_rmse"]])
    for algo in (Cautious(random_state=0, n_factors=3), Welcoming(verbose=False)):
        show(algo.fit(trainset).test([*testset, ("stranger", "film 1", 4.0)]))
        print(algo.predict("stranger", "film 1"))


def own_trainset():
    section("a trainset by hand")
    by_user = {0: [(0, 4.0), (1, 1.5)], 1: [(1, 2.0), (0, 5.0)], 2: [(1, 3)]}
    by_item = {0: [(0, 4.0), (1, 5.0)], 1: [(0, 1.5), (1, 2.0), (2, 3)]}
    trainset = Trainset(by_user, by_item, 3, 2, 5, (1, 5), {"a": 0, "b": 1, "c": 2}, {"x": 0, "y": 1})
    for algo in (
        SVD(n_factors=2, random_state=0),
        KNNWithMeans(verbose=False),
        BaselineOnly(verbose=False),
        SlopeOne(),
    ):
        print(type(algo).__name__, algo.fit(trainset).predict("c", "x"))
    print(trainset.build_testset(), trainset.build_anti_testset(), numbers(trainset.global_mean))


def selection(ratings):
    section("folds")
    for folds in (
        KFold(n_splits=3, random_state=0),
        ms.RepeatedKFold(n_splits=2, n_repeats=2, random_state=0),
        ms.ShuffleSplit(n_splits=2, test_size=0.3, random_state=0),
        ms.LeaveOneOut(n_splits=2, random_state=0, min_n_ratings=3),
        get_cv(2),
        get_cv(None),
    ):
        print(type(folds).__name__, folds.get_n_folds())
        for trainset, testset in folds.split(ratings):
            print(trainset.n_ratings, len(testset), testset[0], testset[-1])
    print(outcome(get_cv, "five"), outcome(lambda: next(KFold(n_splits=1).split(ratings))))
    section("cross-validation")
    cross_validate(BaselineOnly(verbose=False), ratings, cv=3, verbose=True)
    found = cross_validate(
        SVD(n_factors=2), ratings, ["fcp", "MSE"], KFold(2), return_train_measures=True, verbose=True
    )
    print(sorted(found), type(found["fit_time"]).__name__, len(found["test_time"]))
    parallel = cross_validate(KNNBasic(verbose=False), ratings, ["mae"], KFold(2, random_state=1), n_jobs=2)
    print(numbers(parallel["test_mae"]))


def searches(ratings):
    section("searches")
    grid = {"n_epochs": [2, 5], "lr_all": [0.005, 0.02], "random_state": [0]}
    search = GridSearchCV(SVD, grid, measures=["rmse", "mae"], cv=KFold(3, random_state=0), refit=True)
    search.fit(ratings)
    print(search.best_params, search.best_index, {name: numbers(score) for name, score in search.best_score.items()})
    print(sorted(search.cv_results), search.cv_results["params"] is search.param_combinations)
    print(numbers(search.cv_results["mean_test_rmse"]), search.cv_results["rank_test_mae"])
    print(search.predict("u1", "film 2"), type(search.best_estimator["rmse"]).__name__)
    options = {"k": [3, 9], "sim_options": {"name": ["msd", "cosine"], "user_based": [False]}, "verbose": [False]}
    search = GridSearchCV(KNNBasic, options, measures=["fcp"], cv=KFold(2, random_state=0))
    search.fit(ratings)
    print(search.best_params, len(search.param_combinations), outcome(search.predict, "u1", "film 2"))
    own = GridSearchCV(Middle, {"share": [0.2, 0.8]}, measures=["mae"], cv=KFold(2, random_state=0))
    own.fit(ratings)
    print(own.best_params, numbers(own.best_score["mae"]))
    drawn = RandomizedSearchCV(
        SVD, {"reg_all": Uniform(0.01, 0.2), "n_factors": [2, 4]}, n_iter=3, cv=KFold(2, random_state=0), random_state=1
    )
    drawn.fit(ratings)
    print([round(float(chosen["reg_all"]), 8) for chosen in drawn.param_combinations], drawn.best_index)


def keeping(trainset, testset, folder):
    section("files of predictions and algorithms")
    path = os.path.join(folder, "kept")
    for algo in (SVD(random_state=0), KNNWithMeans(verbose=False), Middle(), SlopeOne()):
        predictions = algo.fit(trainset).test(testset)
        dump.dump(path, predictions=predictions, algo=algo, verbose=1)
        kept, again = dump.load(path)
        print(kept == predictions, type(again).__name__, again.test(testset) == predictions)
    print(dump.load(path)[0][0] == predictions[0], pickle.loads(pickle.dumps(predictions[0])) == predictions[0])
    dump.dump(path, algo=SVD(random_state=0).fit(trainset))
    print(dump.load(path)[0])


def recommendations(ratings):
    section("recommendations")
    trainset = ratings.build_full_trainset()
    algo = SVD(n_factors=3, random_state=0).fit(trainset)
    best = top_n(algo.test(trainset.build_anti_testset()), n=3)
    for uid in ("u0", "u1", "u2"):
        print(uid, [(iid, f"{est:.6f}") for iid, est in best[uid]])
    kept = list(ratings.raw_ratings)
    random.Random(0).shuffle(kept)
    ratings.raw_ratings = kept[:300]
    rest = ratings.construct_testset(kept[300:])
    accuracy.rmse(SVD(random_state=0).fit(ratings.build_full_trainset()).test(rest))


def main(folder):
    np.random.seed(0)
    frame = made_up_ratings()
    names()
    ratings = data(frame)
    files(frame, folder)
    trainset, testset = ms.train_test_split(ratings, test_size=0.25, random_state=4)
    algorithms(trainset, testset)
    insides(trainset)
    own_algorithm(ratings)
    own_trainset()
    selection(ratings)
    searches(ratings)
    keeping(trainset, testset, folder)
    recommendations(ratings)


if __name__ == "__main__":
    main(sys.argv[1])
