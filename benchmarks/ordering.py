"""The rows in which models learn from events and put items in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.row import Above, AtLeast, AtMost, Contestant, Faster, Row, Same


def _events(name: str, model: str, **parameters: Any) -> Contestant:  # noqa: ANN401  the model's own
    return Contestant(name, "foretaste.events", {"model": model, "parameters": parameters})


def _implicit(n_factors: int) -> Contestant:
    options = {"n_factors": n_factors, "n_epochs": 15, "penalty": 100.0, "alpha": 10.0}
    return Contestant(f"implicit ALS, {n_factors} factors", "implicit.events", options)


def _implicit_neighbors(label: str, algorithm: str, **settings: float) -> Contestant:
    return Contestant(f"implicit {label}", "implicit.neighbors", {"algorithm": algorithm} | settings)


def _lightfm(label: str = "", **settings: Any) -> Contestant:  # noqa: ANN401  its own
    return Contestant(f"LightFM{label}", "lightfm.events", settings)


def _named(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def _newcomer(model: str, **parameters: Any) -> Contestant:  # noqa: ANN401  the model's own
    return Contestant(
        f"foretaste {model}", "foretaste.newcomers", {"model": model, "parameters": parameters, "calls": 20}
    )


_FEW_EPOCHS = {"n_factors": 64, "n_epochs": 2, "random_state": 0}
_NEWCOMERS = (
    _newcomer("ImplicitALS", tol=0, **_FEW_EPOCHS),
    _newcomer("HybridMF", **_FEW_EPOCHS),
    _newcomer("FunkSVD", tol=0, **_FEW_EPOCHS),
    _newcomer("ALS", tol=0, **_FEW_EPOCHS),
    _newcomer("EASE", n_neighbors=30),
    _newcomer("ImplicitItemKNN"),
    _newcomer("ImplicitUserKNN"),
    _newcomer("SpectralFilter", random_state=0),
)


def _buy_again(label: str, *, shown: bool = False, **settings: Any) -> Contestant:  # noqa: ANN401  those of a page
    limits = {} if shown else {"ripe": 0.0, "floor": 0.0}
    return Contestant(f"foretaste BuyAgain, {label}", "pages.buy_again", {"row": limits, "settings": settings})


def _own_items(label: str, by: str, ties: str) -> Contestant:
    return Contestant(label, "arrays.own_items", {"by": by, "ties": ties})


_OWN_ITEMS = (
    _own_items("personal frequency, ties by everybody's", "times", "everybody"),
    _own_items("personal frequency, ties by recency", "times", "latest"),
    _own_items("recency, ties by everybody's frequency", "latest", "everybody"),
    _own_items("recency, ties by personal frequency", "latest", "times"),
)
_IMPLICIT_ALS = {"n_epochs": 15, "tol": 0, "reg": 0.01, "alpha": 0.2, "reg_exponent": 1.0, "random_state": 0}
_GF_CF = {"user_exponent": 0.5, "item_exponent": 0.5, "degree_exponent": 0.5, "random_state": 0}
_IMPLICIT_SETTINGS = "regularization=100 and alpha=10"
_LIGHTFM = {"n_factors": 64, "n_epochs": 30}
_LIGHTFM_BEST = {"learning_rate": 0.02, "max_sampled": 50}
_LIGHTFM_BEST_OF_NEW = {"learning_rate": 0.05, "max_sampled": 50, "identity": False}
_OF_NEW_ITEMS = {"n_factors": 32, "n_epochs": 15}

ROWS: tuple[Row, ...] = (
    Row(
        name="implicit-als",
        title="Alternating least squares on events, ml-1m, a fifth of each user's events held out",
        about=(
            "All ratings as events, one thread, 15 epochs by three steps of conjugate gradients each. Settings of both "
            "are the best found for 64 factors on a validation part of the training data: reg=0.01, alpha=0.2 and "
            f"reg_exponent=1 for ImplicitALS, {_IMPLICIT_SETTINGS} for implicit. Items a user has are left out, all "
            "others ranked, and each library makes its own lists. `fit` begins with the container."
        ),
        data="ml_1m_events",
        contestants=(
            _events("foretaste ImplicitALS", "ImplicitALS", n_factors=64, **_IMPLICIT_ALS),
            _implicit(64),
            _events("foretaste ImplicitALS, 128 factors", "ImplicitALS", n_factors=128, **_IMPLICIT_ALS),
            _implicit(128),
        ),
        shown=("prepare", "recommend", "ndcg@10", "recall@20"),
        targets=(Faster("implicit ALS, 64 factors", 2), AtLeast("ndcg@10", 0.42)),
    ),
    Row(
        name="ease",
        title="EASE and its relatives, ml-1m, a fifth of each user's events held out",
        about=(
            "As `implicit-als`; reg=1000 for EASE here and in NumPy. NumPy inverts in double precision. EDLAE with "
            "reg=1200, dropout=0.2. The sparse form has 300 neighbours an item."
        ),
        data="ml_1m_events",
        contestants=(
            _events("foretaste EASE", "EASE", reg=1000.0),
            Contestant("NumPy EASE", "arrays.ease", {"penalty": 1000.0}),
            _events("foretaste EDLAE", "EASE", reg=1200.0, dropout=0.2),
            _events("foretaste EASE, sparse", "EASE", reg=1000.0, max_dense_items=0),
        ),
        shown=("recommend", "ndcg@10", "recall@20"),
        targets=(Faster("NumPy EASE", 2.5), AtLeast("ndcg@10", 0.4368)),
    ),
    *(
        Row(
            name=f"implicit-knn{suffix}",
            title=f"Neighbours of events, {n} of an item, ml-1m, a fifth of each user's events held out",
            about=(
                "As `implicit-als`; the clock runs over fitting and recommending 20 items to everybody, one thread. "
                "K1=100 and B=0.2 for the items' BM25 in both, the best found on a validation part of the training "
                "data; implicit counts an item among its own neighbours. RP3beta and the users' BM25 have defaults."
            ),
            data="ml_1m_events",
            contestants=(
                _events("foretaste ImplicitItemKNN, RP3beta", "ImplicitItemKNN", n_neighbors=n),
                _events("foretaste ImplicitItemKNN, BM25", "ImplicitItemKNN", similarity="bm25", n_neighbors=n),
                _events("foretaste ImplicitItemKNN, TF-IDF", "ImplicitItemKNN", similarity="tfidf", n_neighbors=n),
                _events("foretaste ImplicitItemKNN, cosine", "ImplicitItemKNN", similarity="cosine", n_neighbors=n),
                _events("foretaste ImplicitUserKNN, BM25", "ImplicitUserKNN", n_neighbors=n),
                _implicit_neighbors("BM25", "BM25Recommender", K=n, K1=100, B=0.2),
                _implicit_neighbors("TF-IDF", "TFIDFRecommender", K=n),
                _implicit_neighbors("cosine", "CosineRecommender", K=n),
            ),
            timed="fit + recommend",
            shown=("fit", "recommend", "ndcg@10", "recall@20"),
            targets=(
                *(Faster(f"implicit {name}", 1) for name in ("BM25", "TF-IDF", "cosine")),
                AtLeast("ndcg@10", 0.3569),
            ),
        )
        for suffix, n in (("", 200), ("-20", 20))
    ),
    Row(
        name="spectral",
        title="Filters on the graph of users and items, ml-1m, a fifth of each user's events held out",
        about="As `implicit-als`; SpectralFilter with defaults, 128 factors, the exponents of GF-CF, and sharpened.",
        data="ml_1m_events",
        contestants=(
            _events("foretaste SpectralFilter", "SpectralFilter", random_state=0),
            _events("foretaste SpectralFilter, 128 factors", "SpectralFilter", n_factors=128, random_state=0),
            _events("foretaste SpectralFilter, GF-CF", "SpectralFilter", **_GF_CF),
            _events("foretaste SpectralFilter, BSPM", "SpectralFilter", sharpening=1.0, **_GF_CF),
        ),
        shown=("recommend", "ndcg@10", "recall@20"),
    ),
    Row(
        name="hybrid-warp",
        title="Factors learned by WARP, ml-1m, all ratings events, a fifth of each user's held out",
        about=(
            "64 factors, 30 epochs, one thread, identities alone; HybridMF with its defaults, which were chosen on a "
            "validation part of the training data. All other items are ranked; NDCG@10 is binary, Recall@20 divides by "
            "the number of the user's test events. LightFM is its fork lightfm-next, whose compiled part is that of "
            f"1.17, with what did best of six settings on the same validation part, {_named(_LIGHTFM_BEST)}; row "
            "`tuning-lightfm` tries more. "
            "cornac's BPR with learning_rate=0.05 and lambda_reg=0.01, not tuned."
        ),
        data="ml_1m_events",
        contestants=(
            _events("foretaste HybridMF", "HybridMF", n_epochs=30, random_state=0),
            _events("foretaste HybridMF, 2 threads", "HybridMF", n_epochs=30, random_state=0, n_jobs=2),
            _lightfm(**_LIGHTFM, **_LIGHTFM_BEST),
            _events("foretaste Popularity", "Popularity"),
            Contestant("cornac BPR", "cornac.events", {"learning_rate": 0.05, "penalty": 0.01, "n_epochs": 30}),
        ),
        shown=("an epoch", "recommend", "ndcg@10", "recall@20", "users", "learned"),
        targets=(
            Faster("LightFM", 4),
            AtLeast("ndcg@10", 0.3824),
            Above("ndcg@10", "LightFM"),
            Same("learned", "foretaste HybridMF, 2 threads"),
        ),
        warm_up="few_events",
    ),
    *(
        Row(
            name=name,
            title=f"What a customer buys again, Online Retail, {title}",
            about=(
                "At each customer's first basket of the test part, the customer's own earlier items are put in order; "
                "what of the basket was bought before is to be found. Means over customers with such an item; recall "
                "divides by the number of these. Events of one day are one purchase. Ties go to what everybody bought "
                "more often, or to what the customer bought later. `due` is BuyAgain without limits; the row as it is "
                "shown leaves out what is not ripe yet. `lists` is seconds for all customers. Settings were chosen "
                "inside the first four fifths (row `buy-again-earlier`)."
            ),
            data=data,
            contestants=(
                _buy_again("due"),
                _buy_again("due, Poisson-gamma", repeat_timing="poisson-gamma"),
                _buy_again("the row as it is shown", shown=True),
                *_OWN_ITEMS,
            ),
            timed="lists",
            shown=("recall@10", "ndcg@10", "customers"),
            rivals=False,
            targets=targets,
            most_runs=1,
            by_default=name == "buy-again",
        )
        for name, title, data, targets in (
            (
                "buy-again",
                "the last fifth of the time",
                "online_retail_baskets",
                tuple(Above(figure, each.name) for figure in ("recall@10", "ndcg@10") for each in _OWN_ITEMS),
            ),
            ("buy-again-earlier", "the last fifth of the time before", "online_retail_earlier_baskets", ()),
        )
    ),
    *(
        Row(
            name=f"new-items-{name}",
            title=f"Items that nobody has met, by their tags, {title}",
            about=(
                "A random fifth of the items is left out of the training events; only these are ranked, for users who "
                "have some of them. 32 factors and 15 epochs in HybridMF and LightFM, 64 in ImplicitALS, and beyond "
                "their defaults what did best of a few settings on a fifth of the training items (for LightFM see row "
                f"`tuning-lightfm-{name}`): {_named(ours) or 'nothing'} for HybridMF, alpha=0.03 for ImplicitALS, "
                f"{_named(_LIGHTFM_BEST_OF_NEW)} for LightFM. By tags alone: how often the known items of an item's "
                "tags occur, on average, or how much of the user's own events has them. Last.fm's tags were given by "
                "the listeners themselves, also after they had listened: they tell more of an artist than would be "
                "known on the first day."
            ),
            data=data,
            contestants=(
                _events("foretaste HybridMF", "HybridMF", random_state=0, **_OF_NEW_ITEMS, **ours),
                _events("foretaste ImplicitALS", "ImplicitALS", alpha=0.03, random_state=0),
                _lightfm(**_OF_NEW_ITEMS, **_LIGHTFM_BEST_OF_NEW),
                Contestant("popularity by tags", "arrays.by_tags", {"personal": False}),
                Contestant("the user's own tags", "arrays.by_tags", {"personal": True}),
            ),
            shown=("ndcg@10", "recall@20", "users"),
            rivals=False,
            targets=tuple(Above("ndcg@10", than) for than in ("LightFM", "popularity by tags")),
        )
        for name, title, data, ours in (
            ("ml-1m", "ml-1m, genres", "ml_1m_new_items", {"reg": 0.02, "identity": False}),
            ("lastfm", "Last.fm, tags", "lastfm_new_items", {}),
        )
    ),
    Row(
        name="tuning-lightfm",
        title="LightFM's settings on a validation part of ml-1m's training part, all ratings events",
        about="A fifth of each user's training events is held out; the test part is not looked at. One run is enough.",
        data="ml_1m_events_validation",
        contestants=tuple(
            _lightfm(f", {_named(settings)}", **_LIGHTFM, **settings)
            for settings in (
                *({"learning_rate": rate, "max_sampled": n} for rate in (0.02, 0.05, 0.1) for n in (10, 50)),
                *({"learning_rate": 0.05, "max_sampled": 50, "penalty": penalty} for penalty in (1e-6, 1e-5)),
            )
        ),
        shown=("ndcg@10", "recall@20"),
        rivals=False,
        by_default=False,
        warm_up="few_events",
    ),
    *(
        Row(
            name=f"tuning-lightfm-{name}",
            title=f"LightFM's settings for new items, {name}",
            about="A fifth of the known items is held out; the test part is not looked at. One run is enough.",
            data=f"{name.replace('-', '_')}_new_items_validation",
            contestants=tuple(
                _lightfm(f", {_named(settings)}", **_OF_NEW_ITEMS, **settings)
                for settings in (
                    {"learning_rate": rate, "max_sampled": n, "identity": identity}
                    for identity in (True, False)
                    for rate in (0.02, 0.05, 0.1)
                    for n in (10, 50)
                )
            ),
            shown=("ndcg@10", "recall@20"),
            rivals=False,
            by_default=False,
            warm_up="few_events",
        )
        for name in ("ml-1m", "lastfm")
    ),
    Row(
        name="five-clicks",
        title="Ten of 100,000 items for a new user with five of them",
        about=(
            "`fold_in` of five items and `recommend(n=10)`, ids in and a frame out; the median of 20 newcomers, one "
            "after the other. Models of 20,000 users and two million random events, or ratings; 64 factors where there "
            "are any. What the first newcomer prepares serves all others, and stands under `first`. SpectralFilter "
            "passes 64 users at a time through its filter, however many there are, and is measured without a target."
        ),
        data="many_rated_items",
        contestants=_NEWCOMERS,
        timed="a newcomer",
        shown=("slowest", "first", "fit"),
        targets=tuple(AtMost(f"a newcomer: {contestant.name}", 0.005) for contestant in _NEWCOMERS[:-1]),
        rivals=False,
    ),
)
