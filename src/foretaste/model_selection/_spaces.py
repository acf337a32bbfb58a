"""Where `tune` looks when nobody says where: a table of models."""

from __future__ import annotations

from inspect import signature
from typing import Any, TypeAlias

from sklearn.base import BaseEstimator

from foretaste.exceptions import InvalidParameterError

Space: TypeAlias = dict[str, "tuple[Any, ...] | list[Any]"]
"""Parameter -> (low, high), (low, high, "log"), or a list of choices."""

_RATED_NEIGHBOURS: Space = {
    "n_neighbors": (10, 100, "log"),
    "shrinkage": (1.0, 300.0, "log"),
    "damping": (0.005, 0.5, "log"),
}
_BIASES: Space = {"reg_biases": (0.2, 10.0, "log")}

# A model of one's own has no row here and is tuned with a space of one's own. Left out everywhere: ceilings of epochs
# (training ends by itself), and what only decides how fast a result comes. A penalty that is None by default is worked
# out from the data; it stays so, and how many factors there are is what is left to choose.
_SPACES: dict[str, Space] = {
    "Popularity": {"prior": (0.1, 100.0, "log")},
    "Baseline": {"reg_users": (0.5, 50.0, "log"), "reg_items": (0.5, 50.0, "log")},
    "SlopeOne": {"weighted": [True, False]},
    "CoClustering": {"n_user_clusters": (2, 12), "n_item_clusters": (2, 12)},
    "UserKNN": _RATED_NEIGHBOURS,
    "ItemKNN": _RATED_NEIGHBOURS,
    "UserItemKNN": _RATED_NEIGHBOURS,
    "ContentRegression": {"reg": (0.01, 100.0, "log")},
    "PureSVD": {"n_factors": (4, 128, "log"), "fill": ["baseline", "item_mean", "user_mean"]},
    "NMF": {"n_factors": (4, 64, "log")},
    "ALS": {"n_factors": (8, 128, "log"), **_BIASES},
    "FunkSVD": {"n_factors": (8, 256, "log"), **_BIASES},
    "SVDpp": {"n_factors": (8, 128, "log"), "learning_rate": (0.01, 0.06, "log"), **_BIASES},
    "BayesianFM": {"n_factors": (4, 40, "log")},
    "EASE": {"reg": (10.0, 5000.0, "log"), "dropout": (0.0, 0.6), "relaxation": (0.0, 0.5)},
    "ImplicitItemKNN": {
        "similarity": ["cosine", "tfidf", "bm25", "rp3beta"],
        "n_neighbors": (20, 500, "log"),
        "shrinkage": (0.0, 50.0),
        "alpha": (0.3, 1.5),
        "beta": (0.0, 1.0),
    },
    "ImplicitUserKNN": {
        "similarity": ["cosine", "tfidf", "bm25"],
        "n_neighbors": (20, 500, "log"),
        "shrinkage": (0.0, 50.0),
    },
    "SpectralFilter": {
        "n_factors": (16, 256, "log"),
        "low_pass": (0.0, 1.0),
        "user_exponent": (0.0, 0.8),
        "item_exponent": (0.2, 0.8),
        "degree_exponent": (0.0, 0.6),
    },
    "ImplicitALS": {
        "n_factors": (16, 256, "log"),
        "reg": (0.01, 10.0, "log"),
        "alpha": (0.05, 5.0, "log"),
        "reg_exponent": (0.0, 1.0),
    },
    "HybridMF": {
        "n_factors": (16, 128, "log"),
        "loss": ["warp", "bpr"],
        "learning_rate": (0.01, 0.2, "log"),
        "n_epochs": (10, 60, "log"),
    },
}


def default_space(model: BaseEstimator) -> Space:
    """What `tune` varies of a model when it is not told.

    Parameters
    ----------
    model : model
        Parameters that differ from their defaults were set on purpose, and are left out.

    Returns
    -------
    dict
        From parameter to (low, high), (low, high, "log") or a list of choices, as `tune` takes it.

    Raises
    ------
    InvalidParameterError
        There is none for this class, or nothing is left of it.

    Examples
    --------
    >>> import foretaste as ft
    >>> default_space(ft.Baseline(reg_users=3.0))
    {'reg_items': (0.5, 50.0, 'log')}
    """
    name, parameters = type(model).__name__, signature(type(model)).parameters
    space = {
        parameter: values
        for parameter, values in _SPACES.get(name, {}).items()
        if getattr(model, parameter) == parameters[parameter].default
    }
    if not space:
        message = f"tune has nothing of its own to vary in {name}. Hint: give a space, as in {{'reg': (0.01, 1.0)}}."
        raise InvalidParameterError(message)
    return space
