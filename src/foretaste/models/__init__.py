"""Every model, in the order of the ladder: from a constant to factors."""

from __future__ import annotations

from pathlib import Path

from foretaste.models import _state
from foretaste.models._base import Recommender
from foretaste.models.als import ALS
from foretaste.models.approximate import ApproximateIndex
from foretaste.models.baseline import Baseline
from foretaste.models.bayesian_fm import BayesianFM
from foretaste.models.co_clustering import CoClustering
from foretaste.models.content import ContentRegression
from foretaste.models.ease import EASE
from foretaste.models.funk_svd import FunkSVD
from foretaste.models.hybrid import HybridMF
from foretaste.models.implicit_als import ImplicitALS
from foretaste.models.implicit_knn import ImplicitItemKNN, ImplicitUserKNN
from foretaste.models.knn import ItemKNN, UserItemKNN, UserKNN
from foretaste.models.mean import GlobalMean, Random
from foretaste.models.nmf import NMF
from foretaste.models.popularity import Popularity
from foretaste.models.pure_svd import PureSVD
from foretaste.models.slope_one import SlopeOne
from foretaste.models.spectral import SpectralFilter
from foretaste.models.svdpp import SVDpp

MODELS: dict[str, type[Recommender]] = {
    model.__name__: model
    for model in (
        GlobalMean,
        Random,
        Popularity,
        Baseline,
        SlopeOne,
        CoClustering,
        UserKNN,
        ItemKNN,
        UserItemKNN,
        ContentRegression,
        PureSVD,
        NMF,
        ALS,
        FunkSVD,
        SVDpp,
        BayesianFM,
        EASE,
        ImplicitItemKNN,
        ImplicitUserKNN,
        SpectralFilter,
        ImplicitALS,
        HybridMF,
    )
}


def load(path: str | Path) -> Recommender:
    """Read a model that `Recommender.save` has written.

    Raises
    ------
    ModelFileError
        There is no such file; it is cut short, of a newer version, or not a foretaste model. Nothing in a file is
        ever executed.
    """
    return _state.load(path, MODELS)


__all__ = [
    "ALS",
    "EASE",
    "MODELS",
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
    "ItemKNN",
    "Popularity",
    "PureSVD",
    "Random",
    "Recommender",
    "SVDpp",
    "SlopeOne",
    "SpectralFilter",
    "UserItemKNN",
    "UserKNN",
    "load",
]
