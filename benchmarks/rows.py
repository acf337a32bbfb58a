"""What is compared with what, under which settings, and what it is hoped to show."""

from __future__ import annotations

from typing import Any

from benchmarks import drop_in, ordering, pages, sampling
from benchmarks.row import AtLeast, AtMost, Contestant, Faster, NoWorse, Row, Same


def _foretaste(name: str, model: str, **parameters: Any) -> Contestant:  # noqa: ANN401  the model's own
    options = {"model": model, "parameters": parameters}
    return Contestant(name, "foretaste.ratings", options, parameters.get("n_jobs", 1))


def _cmfrec(penalty: float) -> Contestant:
    return Contestant(f"cmfrec CMF, lambda {penalty:g}", "cmfrec.ratings", {"penalty": penalty})


def _cornac(penalty: float, learning_rate: float = 0.01) -> Contestant:
    options = {"penalty": penalty, "learning_rate": learning_rate}
    return Contestant(f"cornac MF, rate {learning_rate:g}, reg {penalty:g}", "cornac.ratings", options)


def _own(label: str, model: str = "", **parameters: Any) -> Contestant:  # noqa: ANN401  the model's own
    options = {"model": model or label, "parameters": parameters}
    return Contestant(f"foretaste {label}", "foretaste.compare", options)


def _at_scale(label: str, model: str, **parameters: Any) -> Contestant:  # noqa: ANN401  the model's own
    options = {"model": model, "parameters": {"n_epochs": 20, "tol": 0, "random_state": 0} | parameters}
    return Contestant(f"foretaste {label}", "foretaste.ratings_at_scale", options, parameters.get("n_jobs", 1))


def _surprise(label: str, algorithm: str = "", **parameters: Any) -> Contestant:  # noqa: ANN401  the algorithm's own
    return Contestant(f"Surprise {label}", "surprise.compare", {"algorithm": algorithm or label} | parameters)


_RATING_FIGURES = ("prepare", "predict", "rmse")
_FUNK = {"n_factors": 100, "n_epochs": 20, "tol": 0, "reg": 0.05, "random_state": 0}
_LARGE = {"n_factors": 64, "n_epochs": 3, "tol": 0, "random_state": 0}
_ALS = {"n_factors": 40, "random_state": 0}
_SURPRISE_SVD = Contestant(
    "Surprise SVD", "surprise.ratings", {"algorithm": "SVD", "n_factors": 100, "n_epochs": 20, "random_state": 0}
)
_SVDPP = {"n_factors": 20, "n_epochs": 20, "tol": 0, "random_state": 0}
_SURPRISE_SVDPP = Contestant(
    "Surprise SVDpp", "surprise.ratings", {"algorithm": "SVDpp", "n_factors": 20, "n_epochs": 20, "random_state": 0}
)
_CORNAC = _cornac(0.02)
_CORNAC_TUNED = _cornac(0.03)
_CMFREC = _cmfrec(0.08)


_QUIET = {"verbose": False}
_BY_ITEM = {"name": "pearson_baseline", "user_based": False}
_LIKE_SVD = {"n_factors": 100, "n_epochs": 20, "tol": 0, "random_state": 0}
_LIKE_KNN = {"n_neighbors": 40, "damping": 0.0, "n_kept": 10_000}
_FIVE_FOLDS = (
    _own("SVDpp", random_state=0),
    _own("UserItemKNN", random_state=0),
    _own("ItemKNN"),
    _own("UserKNN"),
    _own("FunkSVD", random_state=0),
    _own("ALS", random_state=0),
    _own("NMF", random_state=0),
    _own("PureSVD, refined", "PureSVD", refine_epochs=30, random_state=0),
    _own("PureSVD", random_state=0),
    _own("SlopeOne"),
    _own("CoClustering", random_state=0),
    _own("Baseline"),
    _own("GlobalMean"),
    _own("Random", random_state=0),
    _own("SVDpp, 20 factors, 20 epochs", "SVDpp", **_SVDPP),
    _own("FunkSVD, 100 factors, 20 epochs", "FunkSVD", **_LIKE_SVD),
    _own("NMF, 15 factors, 50 epochs", "NMF", n_factors=15, n_epochs=50, tol=0, random_state=0),
    _own("ItemKNN, like Surprise's", "ItemKNN", similarity="pearson_baseline", shrinkage=100.0, **_LIKE_KNN),
    _own("UserKNN, like Surprise's", "UserKNN", similarity="msd", shrinkage=0.0, **_LIKE_KNN),
    _own("SlopeOne, unweighted", "SlopeOne", weighted=False),
    _surprise("SVDpp", random_state=0),
    _surprise("SVD", random_state=0),
    _surprise("NMF", random_state=0),
    _surprise("KNNBaseline, items, pearson_baseline", "KNNBaseline", sim_options=_BY_ITEM, **_QUIET),
    _surprise("KNNBaseline, users, msd", "KNNBaseline", **_QUIET),
    _surprise("SlopeOne"),
    _surprise("CoClustering", random_state=0),
    _surprise("BaselineOnly", **_QUIET),
    _surprise("NormalPredictor"),
)
_FIVE_FOLDS_TARGETS = (
    NoWorse("rmse: foretaste SVDpp, 20 factors, 20 epochs", "Surprise SVDpp"),
    NoWorse("rmse: foretaste FunkSVD, 100 factors, 20 epochs", "Surprise SVD"),
    NoWorse("rmse: foretaste NMF, 15 factors, 50 epochs", "Surprise NMF"),
    NoWorse("rmse: foretaste ItemKNN, like Surprise's", "Surprise KNNBaseline, items, pearson_baseline"),
    NoWorse("rmse: foretaste UserKNN, like Surprise's", "Surprise KNNBaseline, users, msd"),
    NoWorse("rmse: foretaste SlopeOne, unweighted", "Surprise SlopeOne"),
    NoWorse("rmse: foretaste CoClustering", "Surprise CoClustering"),
    NoWorse("rmse: foretaste Baseline", "Surprise BaselineOnly"),
    NoWorse("rmse: foretaste Random", "Surprise NormalPredictor"),
)

_ROWS = (
    Row(
        name="funk-svd",
        title="Matrix factorisation by stochastic gradients, ml-1m, fold 0 of 5",
        about=(
            "100 factors, 20 epochs, one thread. FunkSVD with reg=0.05, chosen on a validation part of the training "
            "data (row `tuning`); Surprise with its defaults; cornac with learning_rate=0.01 and lambda_reg=0.02, and "
            "once more with the lambda_reg that is best for it on the same validation part. "
            "`prepare` makes the container from arrays of ids and ratings (Interactions, Trainset, Dataset); `fit` "
            "begins with the container."
        ),
        data="ml_1m_fold",
        contestants=(_foretaste("foretaste FunkSVD", "FunkSVD", **_FUNK), _SURPRISE_SVD, _CORNAC, _CORNAC_TUNED),
        shown=("prepare", "prepare + fit", "predict", "rmse"),
        targets=(
            Faster(_SURPRISE_SVD.name, 7),
            Faster(_CORNAC.name, 2),
            NoWorse("rmse", _SURPRISE_SVD.name),
            NoWorse("rmse", _CORNAC.name),
            NoWorse("rmse", _CORNAC_TUNED.name),
        ),
    ),
    Row(
        name="funk-svd-threads",
        title="FunkSVD with two threads against one, ml-1m, fold 0",
        about="Settings of `funk-svd`. `learned` is a hash of every learned number: equal means equal to the last bit.",
        data="ml_1m_fold",
        contestants=(
            _foretaste("foretaste FunkSVD, 2 threads", "FunkSVD", n_jobs=2, **_FUNK),
            _foretaste("foretaste FunkSVD, 1 thread", "FunkSVD", **_FUNK),
        ),
        shown=("an epoch", "before learning", "rmse", "learned"),
        targets=(Faster("foretaste FunkSVD, 1 thread", 1.6), Same("learned", "foretaste FunkSVD, 1 thread")),
    ),
    Row(
        name="als",
        title="Alternating least squares, ml-1m, fold 0 of 5",
        about=(
            "40 factors, conjugate gradients, penalty scaled by the number of ratings, one thread. ALS with its "
            "defaults: as many epochs as it takes; cmfrec with float32, its default number of iterations, and the "
            "best lambda on a validation part of the training data (row `tuning`)."
        ),
        data="ml_1m_fold",
        contestants=(_foretaste("foretaste ALS", "ALS", **_ALS), _CMFREC),
        shown=("epochs", "an epoch", *_RATING_FIGURES),
        targets=(Faster(_CMFREC.name, 2), AtMost("rmse", 0.8533)),
    ),
    Row(
        name="als-90-10",
        title="ALS with defaults, ml-1m, random 90/10",
        about="40 factors, one thread.",
        data="ml_1m_tenth",
        contestants=(_foretaste("foretaste ALS", "ALS", **_ALS),),
        shown=("epochs", *_RATING_FIGURES),
        targets=(AtMost("rmse", 0.850),),
    ),
    Row(
        name="baseline",
        title="Mean and biases, ml-1m, fold 0 of 5",
        about="Both with defaults, one thread; the clock runs over fitting and predicting the 200,000 test pairs.",
        data="ml_1m_fold",
        contestants=(
            _foretaste("foretaste Baseline", "Baseline"),
            Contestant("Surprise BaselineOnly", "surprise.ratings", {"algorithm": "BaselineOnly", "verbose": False}),
        ),
        timed="fit + predict",
        shown=("fit", *_RATING_FIGURES),
        targets=(Faster("Surprise BaselineOnly", 10), NoWorse("rmse", "Surprise BaselineOnly")),
    ),
    Row(
        name="slope-one",
        title="Mean differences between items, ml-1m, fold 0 of 5",
        about=(
            "One thread; the clock runs over fitting and predicting the 200,000 test pairs. Surprise's form is the "
            "unweighted one."
        ),
        data="ml_1m_fold",
        contestants=(
            _foretaste("foretaste SlopeOne", "SlopeOne"),
            _foretaste("foretaste SlopeOne, unweighted", "SlopeOne", weighted=False),
            Contestant("Surprise SlopeOne", "surprise.ratings", {"algorithm": "SlopeOne"}),
        ),
        timed="fit + predict",
        shown=("fit", *_RATING_FIGURES),
        targets=(
            Faster("Surprise SlopeOne", 20),
            NoWorse("rmse", "Surprise SlopeOne"),
            NoWorse("rmse: foretaste SlopeOne, unweighted", "Surprise SlopeOne"),
        ),
    ),
    Row(
        name="co-clustering",
        title="Clusters of users and of items, ml-1m, fold 0 of 5",
        about=(
            "3 by 3 clusters, random_state=0, one thread; foretaste until nobody moves, Surprise its 20 epochs. The "
            "clock runs over fitting and predicting the 200,000 test pairs."
        ),
        data="ml_1m_fold",
        contestants=(
            _foretaste("foretaste CoClustering", "CoClustering", random_state=0),
            Contestant("Surprise CoClustering", "surprise.ratings", {"algorithm": "CoClustering", "random_state": 0}),
        ),
        timed="fit + predict",
        shown=("epochs", "fit", *_RATING_FIGURES),
        targets=(Faster("Surprise CoClustering", 4), NoWorse("rmse", "Surprise CoClustering")),
    ),
    Row(
        name="svdpp",
        title="SVD++, ml-1m, fold 0 of 5",
        about=(
            "20 factors, 20 epochs, one thread, defaults otherwise; `predict` runs over the 200,000 test pairs. "
            "Surprise takes minutes."
        ),
        data="ml_1m_fold",
        contestants=(_foretaste("foretaste SVDpp", "SVDpp", **_SVDPP), _SURPRISE_SVDPP),
        shown=("an epoch", *_RATING_FIGURES),
        targets=(
            Faster(_SURPRISE_SVDPP.name, 200),
            Faster(_SURPRISE_SVDPP.name, 100, figure="predict"),
            NoWorse("rmse", _SURPRISE_SVDPP.name),
        ),
        warm_up="few",
        most_runs=1,
        by_default=False,
    ),
    Row(
        name="svdpp-20m",
        title="SVDpp on 20 million ratings",
        about="As `funk-svd-20m`, 20 factors, 3 epochs, one thread.",
        data="synthetic_20m_split",
        contestants=(_foretaste("foretaste SVDpp", "SVDpp", **_LARGE | {"n_factors": 20}),),
        timed="an epoch",
        shown=("prepare", "before learning", "fit"),
        by_default=False,
    ),
    Row(
        name="pure-svd",
        title="Truncated singular value decomposition of the filled matrix, ml-1m, fold 0 of 5",
        about=(
            "16 factors, gaps filled with the means of the users, one thread. foretaste never forms the matrix; the "
            "others are given it in float32, filled within `prepare`. The last two rows are foretaste's default fill, "
            "and that with 30 epochs of refinement on the known ratings."
        ),
        data="ml_1m_fold",
        contestants=(
            _foretaste("foretaste PureSVD", "PureSVD", fill="user_mean", random_state=0),
            Contestant("scipy svds of the dense matrix", "arrays.dense_svd", {"solver": "arpack", "n_factors": 16}),
            Contestant(
                "scikit-learn TruncatedSVD of the dense matrix",
                "arrays.dense_svd",
                {"solver": "randomized", "n_factors": 16},
            ),
            _foretaste("foretaste PureSVD, filled with the baseline", "PureSVD", random_state=0),
            _foretaste("foretaste PureSVD, refined", "PureSVD", refine_epochs=30, random_state=0),
        ),
        shown=_RATING_FIGURES,
        targets=(
            Faster("scipy svds of the dense matrix", 2),
            NoWorse("rmse", "scipy svds of the dense matrix"),
            AtMost("peak MB", 500),
        ),
    ),
    Row(
        name="nmf",
        title="Non-negative matrix factorisation, ml-1m, fold 0 of 5",
        about=(
            "One thread; the clock runs over fitting and predicting the 200,000 test pairs. NMF with 15 factors, as "
            "Surprise has them, and defaults otherwise: as many epochs as it takes; Surprise with its defaults: 50 "
            "epochs."
        ),
        data="ml_1m_fold",
        contestants=(
            _foretaste("foretaste NMF", "NMF", n_factors=15, random_state=0),
            Contestant("Surprise NMF", "surprise.ratings", {"algorithm": "NMF", "n_factors": 15, "random_state": 0}),
            _foretaste(
                "foretaste NMF, as many epochs as Surprise", "NMF", n_factors=15, n_epochs=50, tol=0, random_state=0
            ),
        ),
        timed="fit + predict",
        shown=("epochs", "fit", *_RATING_FIGURES),
        targets=(Faster("Surprise NMF", 4), NoWorse("rmse", "Surprise NMF")),
    ),
    Row(
        name="knn",
        title="Neighbours, ml-1m, fold 0 of 5",
        about=(
            "One thread; the clock runs over fitting and predicting the test part. foretaste with defaults; lenskit's "
            "ItemKNN with 20 neighbours, asked through its own pipeline and batch function."
        ),
        data="ml_1m_fold",
        contestants=(
            _foretaste("foretaste ItemKNN", "ItemKNN"),
            _foretaste("foretaste UserKNN", "UserKNN"),
            _foretaste("foretaste UserItemKNN", "UserItemKNN", random_state=0),
            Contestant("lenskit ItemKNN", "lenskit.ratings", {"n_neighbors": 20}),
        ),
        timed="fit + predict",
        shown=("fit", *_RATING_FIGURES),
        targets=(Faster("lenskit ItemKNN", 3), AtMost("rmse", 0.8518)),
    ),
    *(
        Row(
            name=f"knn-{name}",
            title=f"The same neighbours as Surprise's {algorithm}, ml-1m, fold 0 of 5",
            about=f"{settings}, 40 neighbours, one thread; the clock runs over fitting and predicting the test part.",
            data="ml_1m_fold",
            contestants=(
                _foretaste(f"foretaste {model}", model, **parameters, n_neighbors=40, damping=0.0, n_kept=6040),
                Contestant(
                    f"Surprise {algorithm}",
                    "surprise.ratings",
                    {
                        "algorithm": algorithm,
                        "k": 40,
                        "sim_options": {"name": parameters["similarity"], "user_based": model == "UserKNN"},
                        "verbose": False,
                    },
                ),
            ),
            timed="fit + predict",
            shown=("fit", *_RATING_FIGURES),
            targets=(Faster(f"Surprise {algorithm}", 25), NoWorse("rmse", f"Surprise {algorithm}")),
            warm_up="few",
            most_runs=2,
            by_default=False,
        )
        for name, algorithm, model, settings, parameters in (
            (
                "item",
                "KNNBaseline",
                "ItemKNN",
                "Items, pearson_baseline",
                {"similarity": "pearson_baseline", "centring": "baseline", "shrinkage": 100.0},
            ),
            ("user", "KNNBasic", "UserKNN", "Users, msd", {"similarity": "msd", "centring": "none", "shrinkage": 0.0}),
        )
    ),
    Row(
        name="knn-150k",
        title="Neighbours of 150,000 users and of 5,000 items",
        about=(
            "Synthetic: 10 million ratings, activity and popularity by a power law, two threads, defaults. `predict` "
            "is 100,000 pairs. Nothing is to be learned from these data."
        ),
        data="synthetic_150k_users_split",
        contestants=tuple(_foretaste(f"foretaste {model}", model, n_jobs=2) for model in ("ItemKNN", "UserKNN")),
        shown=("prepare", "predict", "peak MB"),
        rivals=False,
        warm_up="few",
        most_runs=1,
        by_default=False,
    ),
    Row(
        name="read-file",
        title="From a text file of 1,000,209 ratings to the container",
        about="ml-1m's ratings.dat, unpacked beforehand and in the system's file cache.",
        data="ml_1m_file",
        contestants=(
            Contestant("foretaste read_interactions", "foretaste.read_file"),
            Contestant("Surprise Dataset.load_from_file + build_full_trainset", "surprise.read_file"),
        ),
        timed="read",
        targets=(AtMost("read", 1.0),),
    ),
    Row(
        name="csr",
        title="20 million rows in memory to sparse rows",
        about=(
            "Synthetic: 138,000 users, 27,000 items, activity and popularity by a power law, rows in random order, no "
            "pair twice, int32 ids, float32 ratings. `encode` is Interactions.from_arrays without the check for "
            "repeated pairs, `csr` is by_user() of it, and `encode + check + csr` is what a caller meets: both with "
            "the check. scipy is given what foretaste makes first, the codes."
        ),
        data="synthetic_20m",
        contestants=(
            Contestant("foretaste Interactions", "foretaste.sparse_rows"),
            Contestant("scipy coo to csr", "arrays.sparse_rows"),
        ),
        timed="csr",
        shown=("encode", "encode + check + csr"),
        targets=(AtMost("csr", 1.0),),
    ),
    *(
        Row(
            name=name,
            title=f"The best 10 items for everybody, {title}",
            about=(
                f"64 factors ({factors}), the same matrices in both models, one thread, seen items left out. "
                "foretaste returns a frame of ids, scores and ranks, implicit arrays of positions. `agreement` is the "
                "share of places where the item is that of an exact search in double precision, over 500 users."
            ),
            data=data,
            contestants=(
                Contestant("foretaste recommend", "foretaste.recommend"),
                Contestant("implicit recommend", "implicit.recommend"),
            ),
            timed="recommend",
            shown=("users a second", "agreement"),
            targets=(Faster("implicit recommend", times), AtLeast("agreement", 0.999)),
        )
        for name, title, factors, data, times in (
            ("recommend-ml-1m", "ml-1m: 6,040 users, 3,706 items", "truncated SVD of the ratings", "ml_1m_factors", 3),
            ("recommend-100k-items", "20,000 users, 100,000 items", "random normal", "many_items", 3),
        )
    ),
    Row(
        name="recommend-one",
        title="The best 10 of 1,000,000 items for one user",
        about=(
            "64 factors (random normal), one thread, 20 calls a run; seconds are those of one call. `read alone` is "
            "the time in which the same factors can be read: their scalar product with themselves, by BLAS."
        ),
        data="million_items",
        contestants=(
            Contestant("foretaste recommend", "foretaste.recommend", {"users": [7], "calls": 20}),
            Contestant("NumPy product + argpartition", "arrays.recommend", {"users": [7], "calls": 20}),
            Contestant("read alone", "arrays.read", {"calls": 20}),
        ),
        timed="recommend",
        shown=("agreement",),
        targets=(
            Faster("NumPy product + argpartition", 1.2),
            Faster("read alone", 0.9),
            AtLeast("agreement", 0.999),
        ),
    ),
    Row(
        name="accuracy",
        title="Rating accuracy of each model, ml-100k, the publisher's folds u1 to u5",
        about=(
            "`compare` with random_state=0 and defaults otherwise: mean over the five folds, clipped, unknown items by "
            "fallback. The rule behind the default `reg` was found on validation parts of four sets, "
            "this one among them. Seconds are the mean of a fold."
        ),
        data="ml_100k_folds",
        contestants=(
            _own("FunkSVD", random_state=0),
            _own("FunkSVD, early_stopping", "FunkSVD", random_state=0, early_stopping=True),
            _own("SVDpp", random_state=0),
            _own("SVDpp, early_stopping", "SVDpp", random_state=0, early_stopping=True),
            _own("ALS", random_state=0),
            _own("Baseline"),
            _own("GlobalMean"),
        ),
        shown=("predict", "rmse", "rmse standard error", "mae"),
        rivals=False,
        targets=(AtMost("rmse", 0.915), AtMost("rmse: foretaste Baseline", 0.944)),
    ),
    *(
        Row(
            name=f"five-folds-{name}",
            title=f"Every rating model beside Surprise's, {name}, five random folds",
            about=(
                "All with their defaults and the seed 0 where there is one, on the same folds. Means over the folds, "
                "predictions clipped, what is unknown by each library's own fallback. `fit` and `predict` are the mean "
                "seconds of a fold, from the library's own container and to its own numbers. Settings beside a name "
                "are those of Surprise's algorithm of that kind."
            ),
            data=f"{name.replace('-', '_')}_random_folds",
            contestants=_FIVE_FOLDS,
            shown=("predict", "rmse", "rmse standard error", "mae"),
            rivals=False,
            targets=(*_FIVE_FOLDS_TARGETS, *targets),
            by_default=by_default,
            warm_up="few_of_one_fold",
            most_runs=1,
        )
        for name, by_default, targets in (
            (
                "ml-100k",
                True,
                (
                    AtMost("rmse", 0.915),
                    AtMost("rmse: foretaste UserItemKNN", 0.918),
                    NoWorse("rmse: foretaste UserItemKNN", "foretaste ItemKNN"),
                    NoWorse("rmse: foretaste UserItemKNN", "foretaste UserKNN"),
                ),
            ),
            ("ml-1m", False, ()),
        )
    ),
    Row(
        name="import",
        title="Importing the library in a fresh process",
        about="Seconds of the import statement alone. `compiler` is 1 where it loads Numba.",
        data=None,
        contestants=tuple(
            Contestant(f"import {module}", "interpreter.import_module", {"module": module})
            for module in ("foretaste", "surprise", "implicit", "cornac", "cmfrec")
        ),
        timed="import",
        shown=("compiler",),
        targets=(AtMost("import", 0.3), AtMost("compiler", 0)),
    ),
    Row(
        name="first-call",
        title="What compilation costs: the first fit and recommend of a process",
        about=(
            "A FunkSVD on a table of 16 ratings in a fresh process, import included: with the compiled kernels in "
            "the disk cache, and, once after installation, without any."
        ),
        data=None,
        contestants=(
            Contestant("foretaste, kernels cached", "interpreter.first_call", {"cached": True}),
            Contestant("foretaste, nothing cached", "interpreter.first_call", {"cached": False}),
        ),
        timed="import + fit + recommend",
    ),
    Row(
        name="funk-svd-20m",
        title="FunkSVD on 20 million ratings",
        about=(
            "The data of row `csr`, 64 factors, 3 epochs; `an epoch` is the mean of the last two, `prepare` the making "
            "of Interactions, and `before learning` what fit does ahead of the first epoch and after the last."
        ),
        data="synthetic_20m_split",
        contestants=tuple(
            _foretaste(f"foretaste FunkSVD, {label}", "FunkSVD", n_jobs=n_jobs, **_LARGE)
            for label, n_jobs in (("1 thread", 1), ("2 threads", 2))
        ),
        timed="an epoch",
        shown=("prepare", "before learning", "fit", "learned"),
        targets=(Same("learned", "foretaste FunkSVD, 2 threads"),),
        by_default=False,
    ),
    Row(
        name="netflix",
        title="FunkSVD and SVDpp at the size of the Netflix Prize",
        about=(
            "100,480,507 synthetic ratings of 480,189 users and 17,770 items, activity and popularity by a power law, "
            "no pair twice, rows in random order. 20 epochs; FunkSVD with 64 factors on two threads, SVDpp with 20 on "
            "one. The clock begins with three columns in memory (int32 users, int16 items, uint8 stars: 7 bytes a "
            "rating) and includes the making of Interactions with the check for repeated pairs; the columns are let "
            "go of when Interactions are made. Peak memory includes the interpreter, the columns and the fitted model."
        ),
        data="synthetic_netflix",
        contestants=(
            _at_scale("FunkSVD, 64 factors, 2 threads", "FunkSVD", n_factors=64, n_jobs=2),
            _at_scale("SVDpp, 20 factors", "SVDpp", n_factors=20),
        ),
        timed="prepare + fit",
        shown=("prepare", "fit", "an epoch", "before learning"),
        targets=(AtMost("prepare + fit", 60), AtMost("peak MB", 2500)),
        rivals=False,
        warm_up="few_of_files",
        most_runs=1,
        by_default=False,
    ),
    Row(
        name="tuning",
        title="The settings above, on a validation part of fold 0's training data",
        about="A tenth of the training ratings is held out; the test part is not looked at. One run is enough.",
        data="ml_1m_validation",
        contestants=(
            *(
                _foretaste(f"foretaste FunkSVD, reg {reg:g}", "FunkSVD", **(_FUNK | {"reg": reg}))
                for reg in (0.03, 0.04, 0.05, 0.06)
            ),
            *(_foretaste(f"foretaste ALS, reg {reg}", "ALS", reg=reg, **_ALS) for reg in (None, 0.05, 0.06)),
            *(_cmfrec(penalty) for penalty in (0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12)),
            *(_cornac(penalty, rate) for rate in (0.005, 0.01, 0.02) for penalty in (0.01, 0.02, 0.03, 0.05)),
        ),
        shown=("epochs", "rmse"),
        rivals=False,
        by_default=False,
    ),
)

ROWS: dict[str, Row] = {row.name: row for row in (*_ROWS, *ordering.ROWS, *sampling.ROWS, *drop_in.ROWS, *pages.ROWS)}
