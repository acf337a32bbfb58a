"""What foretaste does in each row."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import foretaste as ft
from benchmarks.data import Array, Events, Files, Ratings, Scores, Split
from benchmarks.measure import Stopwatch, order, rate

_NINETY = 1.645  # standard deviations to either side that hold nine tenths of a normal distribution


def ratings(split: Split, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Fit a model of ratings on a new container, so that no sparse form is there from an earlier run."""
    figures, fitted = rate(
        split,
        lambda part: _interactions(part, split.scale),
        lambda interactions: getattr(ft, model)(**parameters).fit(interactions),
        lambda fitted, users, items: fitted.predict(pl.DataFrame({"user": users, "item": items})),
    )
    figures |= {"learned": _digest(fitted)}
    ends = fitted.history_["seconds"].to_numpy()
    if not ends.size:  # no epochs
        return figures
    return figures | {
        "epochs": ends.size,
        "an epoch": float((ends[-1] - ends[0]) / max(ends.size - 1, 1)),
        "before learning": figures["fit"] - float(ends[-1]),
    }


def dated_ratings(split: Split, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Fit a model that looks at the times of ratings, those of the test part too."""
    asked = pl.DataFrame({"user": split.test.users, "item": split.test.items, "time": split.test.times})
    figures, fitted = rate(
        split,
        lambda part: ft.Interactions.from_arrays(
            part.users, part.items, part.ratings, times=part.times, scale=split.scale
        ),
        lambda interactions: getattr(ft, model)(**parameters).fit(interactions),
        lambda fitted, *_: fitted.predict(asked),
    )
    return figures | {"learned": _digest(fitted)}


def film_folds(names: Sequence[str], parameters: Mapping[str, Any], *, described: bool = False) -> dict[str, float]:
    """BayesianFM on some of the publisher's folds of ml-100k, days included: means over the folds.

    `described` adds age, sex, occupation and postcode of users, year and genres of films. `covered` is the share of
    test ratings within the 90 % interval of their prediction.
    """
    if described:
        films = ft.datasets.load_movielens_items("100k").drop("title")
        parameters = {**parameters, "user_features": ft.datasets.load_movielens_users("100k"), "item_features": films}
    watch, seconds, errors, covered = Stopwatch(), [], [], []
    for name, train, test in ft.datasets.movielens_folds():
        if name not in names:
            continue
        with watch("fit"):
            fitted = ft.BayesianFM(**parameters).fit(train)
        seconds.append(watch.seconds["fit"])
        with warnings.catch_warnings(action="ignore", category=ft.exceptions.ForetasteWarning):
            predicted, spread = fitted.predict(test, return_std=True)
        error = np.abs(predicted - test.ratings)
        errors.append((np.sqrt(np.mean(error**2)), np.mean(error)))
        covered.append(np.mean(error < _NINETY * spread))
    rmse, mae = np.mean(errors, axis=0)
    return {"fit": float(np.mean(seconds)), "rmse": float(rmse), "mae": float(mae), "covered": float(np.mean(covered))}


def events(events: Events, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Fit a model of events, and let it choose 20 of the candidates for everybody asked for."""
    described = {}
    if events.tags:
        frame = pl.DataFrame({"item": np.arange(len(events.tags)), "tags": [list(tags) for tags in events.tags]})
        described = {"item_features": frame}
    watch = Stopwatch()
    with watch("prepare"):
        interactions = ft.Interactions.from_arrays(events.users, events.items, duplicates="keep")
    with watch("fit"), warnings.catch_warnings(action="ignore", category=ft.exceptions.ForetasteWarning):
        fitted = getattr(ft, model)(**parameters, **described).fit(interactions)
    users = events.asked()
    known = fitted.item_vocabulary_.encode(events.candidates) >= 0
    with watch("recommend"):
        best = fitted.recommend(users, n=20, items=events.candidates[known])
    found = np.full((users.size, 20), -1)
    found[np.searchsorted(users, best["user"].to_numpy()), best["rank"].to_numpy() - 1] = best["item"].to_numpy()
    ends = fitted.history_["seconds"].to_numpy()
    epochs = {"epochs": ends.size, "an epoch": float((ends[-1] - ends[0]) / max(ends.size - 1, 1))} if ends.size else {}
    return order(watch, events, found) | epochs | {"learned": _digest(fitted)}


def ratings_at_scale(files: Files, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """From columns in memory to a fitted model; the columns are let go of as soon as Interactions are made of them."""
    part = files.read()
    watch = Stopwatch()
    with watch("prepare"):
        interactions = _interactions(part, files.scale)
        del part
    with watch("fit"):
        fitted = getattr(ft, model)(**parameters).fit(interactions)
    ends = fitted.history_["seconds"].to_numpy()
    return watch.seconds | {
        "prepare + fit": watch.seconds["prepare"] + watch.seconds["fit"],
        "an epoch": float((ends[-1] - ends[0]) / max(ends.size - 1, 1)),
        "before learning": watch.seconds["fit"] - float(ends[-1]),
    }


def _digest(fitted: ft.Recommender) -> str:
    """A hash of every learned array."""
    digest = hashlib.sha256()
    for _, value in sorted(vars(fitted).items()):
        if isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value))
    return digest.hexdigest()[:12]


def read_file(path: Path) -> dict[str, float]:
    watch = Stopwatch()
    with watch("read"):
        interactions = ft.read_interactions(path)
    return watch.seconds | {"rows": len(interactions)}


def sparse_rows(part: Ratings) -> dict[str, float]:
    """Ids to codes and codes to sparse rows apart; and both with the check for repeated pairs, which needs the rows."""
    columns = (part.users, part.items, part.ratings)
    watch = Stopwatch()
    with watch("encode"):
        interactions = ft.Interactions.from_arrays(*columns, duplicates="keep")
    with watch("csr"):
        rows = interactions.by_user()
    with watch("encode + check + csr"):
        ft.Interactions.from_arrays(*columns).by_user()
    return watch.seconds | {"rows": rows.indices.size}


def recommend(scores: Scores, users: Sequence[int] | None = None, calls: int = 1) -> dict[str, float]:
    """Recommend with given factors: a model is fitted for its ids and seen items, and its factors are replaced."""
    model = with_factors(scores)
    asked = np.arange(len(scores.user_factors)) if users is None else np.array(users)
    watch = Stopwatch()
    with watch("recommend"):
        for _ in range(calls):
            found = model.recommend(asked, n=10)
    seconds = watch.seconds["recommend"] / calls
    items = found["item"].to_numpy().reshape(asked.size, 10)
    return {
        "recommend": seconds,
        "users a second": asked.size / seconds,
        "agreement": scores.agreement(asked, items),
    }


def newcomers(part: Ratings, model: str, parameters: Mapping[str, Any], calls: int) -> dict[str, float]:
    """Meet one new user after the other, each with five items, and choose ten others; seconds are those of one."""
    rng, watch = np.random.default_rng(0), Stopwatch()
    kind = getattr(ft, model)
    with watch("fit"):
        fitted = kind(**parameters).fit(ft.Interactions.from_arrays(part.users, part.items, part.ratings))
    known = np.unique(part.items)
    seconds = np.empty(calls)
    for call in range(-1, calls):  # what the first one prepares serves all others
        items = rng.choice(known, 5, replace=False).tolist()
        given = [(item, 4) for item in items] if kind.predicts_ratings else items
        started = time.perf_counter()
        fitted.fold_in(given).recommend("new user", n=10)
        if call >= 0:
            seconds[call] = time.perf_counter() - started
        else:
            first = time.perf_counter() - started
    return watch.seconds | {"a newcomer": float(np.median(seconds)), "slowest": float(seconds.max()), "first": first}


def compare(splits: Mapping[str, Split], model: str, parameters: Mapping[str, Any]) -> dict[str, float]:
    """`compare` of one model on folds made elsewhere."""
    folds = [
        (name, *(_interactions(part, split.scale) for part in (split.train, split.test)))
        for name, split in splits.items()
    ]
    compared = ft.compare({model: getattr(ft, model)(**parameters)}, None, cv=folds)
    row = compared.to_frame().row(0, named=True)
    return {
        "fit": row["fit_seconds"],
        "predict": row["predict_seconds"],
        "rmse": row["rmse"],
        "rmse standard error": row["rmse_se"],
        "mae": row["mae"],
    }


def _interactions(part: Ratings, scale: tuple[float, float]) -> ft.Interactions:
    return ft.Interactions.from_arrays(part.users, part.items, part.ratings, scale=scale)


_MODELS: dict[Scores, ft.ALS] = {}


def with_factors(scores: Scores) -> ft.ALS:
    if scores not in _MODELS:
        seen = scores.seen.tocoo()
        interactions = ft.Interactions.from_arrays(*seen.coords, seen.data)
        model = ft.ALS(1, n_epochs=1, tol=0, biased=False, random_state=0).fit(interactions)
        model.user_factors_ = _in_order(scores.user_factors, model.user_vocabulary_)
        model.item_factors_ = _in_order(scores.item_factors, model.item_vocabulary_)
        _MODELS[scores] = model
    return _MODELS[scores]


def _in_order(factors: Array, vocabulary: ft.Vocabulary) -> Array:
    """Rows of ids 0, 1, 2 ... in the order of a model's codes."""
    return np.ascontiguousarray(factors[vocabulary.ids.to_numpy()])
