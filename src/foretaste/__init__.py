"""foretaste: learn what people would like, measure it, explain it.

Names are loaded when they are first used, so that ``import foretaste`` stays fast and starts no compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretaste import data, exceptions, latent, metrics, model_selection, models, pages, plotting, surprise
    from foretaste.data import (
        Interactions,
        ItemFeatures,
        UserFeatures,
        Vocabulary,
        datasets,
        read_interactions,
        synthetic,
    )
    from foretaste.data.datasets import load_movielens
    from foretaste.model_selection import compare, tune
    from foretaste.models import (
        ALS,
        EASE,
        NMF,
        ApproximateIndex,
        Baseline,
        BayesianFM,
        CoClustering,
        ContentRegression,
        FunkSVD,
        GlobalMean,
        HybridMF,
        ImplicitALS,
        ImplicitItemKNN,
        ImplicitUserKNN,
        ItemKNN,
        Popularity,
        PureSVD,
        Random,
        Recommender,
        SlopeOne,
        SpectralFilter,
        SVDpp,
        UserItemKNN,
        UserKNN,
        load,
    )

__version__ = "0.1.0"

# Public name -> the module it lives in.
_HOME = {
    "ALS": "models",
    "ApproximateIndex": "models",
    "Baseline": "models",
    "BayesianFM": "models",
    "CoClustering": "models",
    "ContentRegression": "models",
    "EASE": "models",
    "FunkSVD": "models",
    "GlobalMean": "models",
    "HybridMF": "models",
    "ImplicitALS": "models",
    "ImplicitItemKNN": "models",
    "ImplicitUserKNN": "models",
    "Interactions": "data",
    "ItemFeatures": "data",
    "ItemKNN": "models",
    "NMF": "models",
    "Popularity": "models",
    "PureSVD": "models",
    "Random": "models",
    "Recommender": "models",
    "SlopeOne": "models",
    "SpectralFilter": "models",
    "SVDpp": "models",
    "UserItemKNN": "models",
    "UserKNN": "models",
    "UserFeatures": "data",
    "Vocabulary": "data",
    "compare": "model_selection",
    "datasets": "data",
    "load": "models",
    "load_movielens": "data.datasets",
    "read_interactions": "data",
    "synthetic": "data",
    "tune": "model_selection",
}
_MODULES = ("data", "exceptions", "latent", "metrics", "model_selection", "models", "pages", "plotting", "surprise")

__all__ = [
    "ALS",
    "EASE",
    "NMF",
    "ApproximateIndex",
    "Baseline",
    "BayesianFM",
    "CoClustering",
    "ContentRegression",
    "FunkSVD",
    "GlobalMean",
    "HybridMF",
    "ImplicitALS",
    "ImplicitItemKNN",
    "ImplicitUserKNN",
    "Interactions",
    "ItemFeatures",
    "ItemKNN",
    "Popularity",
    "PureSVD",
    "Random",
    "Recommender",
    "SVDpp",
    "SlopeOne",
    "SpectralFilter",
    "UserFeatures",
    "UserItemKNN",
    "UserKNN",
    "Vocabulary",
    "compare",
    "data",
    "datasets",
    "exceptions",
    "latent",
    "load",
    "load_movielens",
    "metrics",
    "model_selection",
    "models",
    "pages",
    "plotting",
    "read_interactions",
    "surprise",
    "synthetic",
    "tune",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  any public name
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value  # the next time it is simply there
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
