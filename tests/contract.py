"""What the contract is tried on: every model with its settings and the data; what its tests share."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste.data.interactions import SparseRows
from foretaste.models import MODELS

# The models --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One way to set a model up, and what cannot be asked of it."""

    model: str
    make: Callable  # from the ids of users and items, in their order
    no_interaction: str = ""  # why it cannot tell the squares of a checkerboard apart
    no_fold_in: str = ""  # why it cannot meet a new user
    placed: tuple[str, ...] = ("user", "item")  # who has a place in its space
    neighbors: tuple[str, ...] = ()  # who has neighbours by a similarity of its own
    likeness: str = ""  # who is like another by a measure that is neither
    centred: bool = True  # whether it starts from the mean
    non_negative: bool = False  # whether it refuses ratings below 0
    linked: bool = False  # whether its ratings are no sum of mean, biases and factors, but a function of one


def features(side, ids):
    """Two features an id: whether its position is even, and something irregular."""
    kinds = {type(value) for value in ids}
    column = pl.Series(side, ids) if kinds <= {str, int} else pl.Series(side, ids, dtype=pl.Object)
    return pl.DataFrame(
        {side: column, "even": [(-1.0) ** j for j in range(len(ids))], "odd": [math.sin(j) for j in range(len(ids))]}
    )


def co_clustering(**settings):
    settings = {"n_user_clusters": 2, "n_item_clusters": 2, "random_state": 0} | settings
    return lambda _users, _items: ft.CoClustering(**settings)


def pure_svd(**settings):
    return lambda _users, _items: ft.PureSVD(**{"n_factors": 2, "random_state": 0} | settings)


def nmf(**settings):
    return lambda _users, _items: ft.NMF(**{"n_factors": 2, "n_epochs": 40, "tol": 0, "random_state": 0} | settings)


def als(**settings):
    return lambda _users, _items: ft.ALS(**{"n_factors": 2, "n_epochs": 20, "tol": 0, "random_state": 0} | settings)


def funk_svd(**settings):
    return lambda _users, _items: ft.FunkSVD(**{"n_factors": 2, "n_epochs": 60, "tol": 0, "random_state": 0} | settings)


def svdpp(**settings):
    return lambda _users, _items: ft.SVDpp(**{"n_factors": 2, "n_epochs": 150, "tol": 0, "random_state": 0} | settings)


def described_model(model, described=(), **settings):
    """A model with features of the sides in `described`."""

    def make(users, items):
        frames = {"user_features": features("user", users), "item_features": features("item", items)}
        return model(**settings, **{side: frames[side] for side in described})

    return make


def hybrid(described=(), **settings):
    settings = {"n_factors": 4, "n_epochs": 80, "reg": 0.02, "random_state": 0} | settings
    return described_model(ft.HybridMF, described, **settings)


def bayesian_fm(described=(), **settings):
    settings = {"n_factors": 2, "n_samples": 40, "n_chains": 2, "burn_in": 10, "random_state": 0} | settings
    return described_model(ft.BayesianFM, described, **settings)


def knn(model, **settings):
    return lambda _users, _items: model(**{"shrinkage": 1.0} | settings)


ORDERS = "it looks at who has what, not at ratings; its board is in test_checkerboard.py"


def ease(**settings):
    return Case(
        "EASE",
        lambda _users, _items: ft.EASE(**{"reg": 2.0} | settings),
        no_interaction=ORDERS,
        placed=(),
        likeness="item",
        centred=False,
    )


def implicit_als(described=(), **settings):
    settings = {"n_factors": 2, "n_epochs": 20, "tol": 0, "random_state": 0} | settings
    make = described_model(ft.ImplicitALS, described, **settings)
    return Case("ImplicitALS", make, no_interaction=ORDERS, centred=False)


def implicit_knn(side, **settings):
    model = {"item": ft.ImplicitItemKNN, "user": ft.ImplicitUserKNN}[side]
    return Case(
        model.__name__,
        lambda _users, _items: model(**settings),
        no_interaction=ORDERS,
        placed=(),
        neighbors=(side,),
        centred=False,
    )


def spectral(**settings):
    return Case(
        "SpectralFilter",
        lambda _users, _items: ft.SpectralFilter(**{"n_factors": 3, "random_state": 0} | settings),
        no_interaction=ORDERS,
        placed=("item",),
        centred=False,
    )


CASES = {
    "GlobalMean": Case(
        "GlobalMean",
        lambda _users, _items: ft.GlobalMean(),
        no_interaction="it predicts one number for everything",
        no_fold_in="it learns nothing about users",
        placed=(),
    ),
    "Random": Case(
        "Random",
        lambda _users, _items: ft.Random(random_state=0),
        no_interaction="it draws without looking",
        no_fold_in="it learns nothing about users",
        placed=(),
    ),
    "Popularity": Case(
        "Popularity",
        lambda _users, _items: ft.Popularity(),
        no_interaction="its list is the same for everybody",
        placed=(),
        centred=False,
    ),
    "Baseline": Case(
        "Baseline",
        lambda _users, _items: ft.Baseline(n_epochs=20, tol=0),
        no_interaction="it adds up users and items",
        placed=(),
    ),
    "SlopeOne": Case(
        "SlopeOne",
        lambda _users, _items: ft.SlopeOne(),
        no_interaction="it moves all users by the same deviations",
        placed=(),
    ),
    "SlopeOne unweighted": Case(
        "SlopeOne",
        lambda _users, _items: ft.SlopeOne(weighted=False),
        no_interaction="it moves all users by the same deviations",
        placed=(),
    ),
    "CoClustering": Case("CoClustering", co_clustering(), placed=()),
    "CoClustering with clusters to spare": Case("CoClustering", co_clustering(n_user_clusters=20), placed=()),
    "UserKNN": Case("UserKNN", knn(ft.UserKNN), placed=(), neighbors=("user",)),
    "UserKNN of raw ratings": Case(
        "UserKNN",
        knn(ft.UserKNN, similarity="cosine", centring="none"),
        no_interaction="ratings that are all positive are all alike to a cosine",
        placed=(),
        neighbors=("user",),
        centred=False,
    ),
    "UserKNN in units of each user": Case(
        "UserKNN",
        knn(ft.UserKNN, similarity="pearson", centring="zscore", n_kept=5, min_neighbors=2),
        placed=(),
        neighbors=("user",),
    ),
    "ItemKNN": Case("ItemKNN", knn(ft.ItemKNN), placed=(), neighbors=("item",)),
    "ItemKNN by differences": Case(
        "ItemKNN", knn(ft.ItemKNN, similarity="msd", centring="mean", n_neighbors=3), placed=(), neighbors=("item",)
    ),
    "ItemKNN by common residuals": Case(
        "ItemKNN",
        knn(ft.ItemKNN, similarity="pearson_baseline", n_kept=4, damping=0.0),
        placed=(),
        neighbors=("item",),
    ),
    "UserItemKNN": Case("UserItemKNN", knn(ft.UserItemKNN, random_state=0), placed=(), neighbors=("user", "item")),
    "ContentRegression": Case(
        "ContentRegression",
        lambda _users, items: ft.ContentRegression(item_features=features("item", items), reg=0.1),
    ),
    "ContentRegression of items": Case(
        "ContentRegression",
        lambda users, _items: ft.ContentRegression(user_features=features("user", users), reg=0.1),
    ),
    "ContentRegression through the origin": Case(
        "ContentRegression",
        lambda _users, items: ft.ContentRegression(item_features=features("item", items), reg=0.1, fit_intercept=False),
        no_interaction="its features average to nothing, and so do its predictions without an intercept",
        centred=False,
    ),
    "PureSVD": Case("PureSVD", pure_svd(), centred=False),
    "PureSVD of items' means": Case("PureSVD", pure_svd(fill="item_mean"), centred=False),
    "PureSVD of users' means": Case("PureSVD", pure_svd(fill="user_mean"), centred=False),
    "PureSVD of zeros": Case(
        "PureSVD",
        pure_svd(fill="zero", n_factors=3),
        no_interaction="the zeros in its gaps pull its predictions down",
        centred=False,
    ),
    "PureSVD refined": Case("PureSVD", pure_svd(refine_epochs=10), centred=False),
    "NMF": Case("NMF", nmf(), centred=False, non_negative=True),
    "ALS": Case("ALS", als()),
    "ALS exact and unbiased": Case("ALS", als(biased=False, solver="cholesky", scale_reg=False), centred=False),
    "FunkSVD": Case("FunkSVD", funk_svd()),
    "FunkSVD unbiased": Case("FunkSVD", funk_svd(biased=False, reg=0.02), centred=False),
    "FunkSVD at once": Case("FunkSVD", funk_svd(solver="gd")),
    "FunkSVD at once and unbiased": Case("FunkSVD", funk_svd(solver="gd", biased=False), centred=False),
    "SVDpp": Case("SVDpp", svdpp()),
    "BayesianFM": Case("BayesianFM", bayesian_fm()),
    "BayesianFM of ids": Case("BayesianFM", bayesian_fm(features=("user", "item"), n_kept=10)),
    "BayesianFM of attributes": Case("BayesianFM", bayesian_fm(["user_features", "item_features"])),
    "BayesianFM of classes": Case("BayesianFM", bayesian_fm(link="ordinal", features=("user", "item")), linked=True),
    "EASE": ease(),
    "EASE relaxed": ease(dropout=0.2, relaxation=0.3),
    "EASE of the held back": ease(user_exponent=0.5, item_exponent=0.5),
    "EASE of neighbourhoods": ease(max_dense_items=0, n_neighbors=4),
    "ImplicitItemKNN": implicit_knn("item"),
    "ImplicitItemKNN by cosine": implicit_knn("item", similarity="cosine", shrinkage=2.0, n_neighbors=3),
    "ImplicitItemKNN by BM25": implicit_knn("item", similarity="bm25", n_neighbors=4),
    "ImplicitUserKNN": implicit_knn("user"),
    "ImplicitUserKNN by BM25": implicit_knn("user", similarity="bm25", n_neighbors=4),
    "SpectralFilter": spectral(),
    "SpectralFilter sharpened": spectral(sharpening=0.8, user_exponent=0.3, degree_exponent=0.2),
    "SpectralFilter sharpened apart": spectral(sharpening=0.5, sharpening_order=1, sharpen_low_pass=False),
    "ImplicitALS": implicit_als(),
    "ImplicitALS exact": implicit_als(solver="cholesky", reg_exponent=0.0, reg=0.5),
    "ImplicitALS by blocks": implicit_als(solver="subspace", n_factors=40),
    "ImplicitALS of features": implicit_als(["user_features", "item_features"]),
    "ImplicitALS of features by blocks": implicit_als(["item_features"], solver="subspace", n_factors=40),
    "HybridMF": Case("HybridMF", hybrid(), no_interaction=ORDERS, centred=False),
    "HybridMF by pairs": Case("HybridMF", hybrid(loss="bpr"), no_interaction=ORDERS, centred=False),
    "HybridMF by signs": Case(
        "HybridMF", hybrid(["item_features"], loss="logistic"), no_interaction=ORDERS, centred=False
    ),
    "HybridMF by squares": Case("HybridMF", hybrid(loss="squared"), no_interaction=ORDERS, centred=False),
    "HybridMF of features alone": Case(
        "HybridMF",
        hybrid(["user_features", "item_features"], identity=False),
        no_interaction=ORDERS,
        centred=False,
    ),
}


def names(**wanted):
    """Names of the cases with these properties."""
    return [
        name
        for name, case in CASES.items()
        if all((getattr(case, k) if isinstance(v, tuple) else bool(getattr(case, k))) == v for k, v in wanted.items())
    ]


every_case = pytest.mark.parametrize("name", CASES)
every_rating_model = pytest.mark.parametrize("name", [n for n in CASES if MODELS[CASES[n].model].predicts_ratings])

# The data ----------------------------------------------------------------------------------------------------------

USERS, ITEMS = [f"user {j}" for j in range(12)], [f"item {j}" for j in range(10)]


def table(users, items, *, share=0.8, seed=0):
    """Ratings on a scale of 1 to 5 in half stars, with users, items and tastes that differ; some are missing."""
    rng = np.random.default_rng(seed)
    shape = (len(users), len(items))
    taste = rng.normal(size=(shape[0], 2)) @ rng.normal(size=(2, shape[1]))
    stars = 3 + 0.5 * rng.normal(size=(shape[0], 1)) + 0.5 * rng.normal(size=shape[1]) + 0.8 * taste
    stars = np.clip(np.round(2 * stars) / 2, 1, 5)
    kept = rng.random(shape) < share
    return [(u, i, float(stars[a, b])) for a, u in enumerate(users) for b, i in enumerate(items) if kept[a, b]]


def tastes(n_users=30, n_items=20):
    """Users who have the items of their taste, whose tag says so, and four new items of either taste."""
    rng = np.random.default_rng(0)
    rows = [(u, i) for u in range(n_users) for i in range(n_items) if i % 2 == u % 2 and rng.random() < 0.7]
    tags = [["even", "odd"][i % 2] for i in range(n_items + 4)]
    frame = pl.DataFrame({"item": list(range(n_items + 4)), "tag": tags, "noise": rng.normal(size=n_items + 4)})
    return rows, frame


ROWS = table(USERS, ITEMS)
SEEN = {user: {item for other, item, _ in ROWS if other == user} for user in USERS}
PAIRS = [(user, item) for user in USERS for item in ITEMS]


def fit(name, rows=ROWS, users=USERS, items=ITEMS, **settings):
    return CASES[name].make(users, items).set_params(**settings).fit(rows)


@cache
def fitted(name):
    """A model that several tests look at and none changes."""
    return fit(name)


def learned(model):
    """Everything a model has learned, as plain comparable values."""
    found = {}
    for key, value in vars(model).items():
        if not key.endswith("_"):
            continue
        if isinstance(value, ft.Vocabulary):
            found[key] = list(value)
        elif isinstance(value, SparseRows):
            found[key] = [part.tobytes() for part in value]
        elif isinstance(value, dict):
            found[key] = {column: array.tobytes() for column, array in value.items() if column != "seconds"}
        else:
            found[key] = (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
    return found


def same_frame(one, other):
    assert one.columns == other.columns
    assert one.equals(other)


STRANGE = [("nobody", ITEMS[0]), (USERS[0], "nothing"), ("nobody", "nothing"), (USERS[0], ITEMS[0])]
NEW = [(ITEMS[0], 5.0), (ITEMS[3], 1.0), (ITEMS[5], 4.0)]
