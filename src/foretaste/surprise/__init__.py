"""Surprise's interface on foretaste's engine: a program that imports from `surprise` may import from here instead.

`__version__` is that of the Surprise whose names, arguments, numbers and printed lines these are.

With ``sys.modules["surprise"] = foretaste.surprise`` a program need not be changed at all.
"""

from foretaste.surprise import _alias, dump, model_selection
from foretaste.surprise import accuracy as accuracy
from foretaste.surprise import similarities as similarities
from foretaste.surprise.builtin_datasets import get_dataset_dir
from foretaste.surprise.dataset import Dataset
from foretaste.surprise.prediction_algorithms import (
    NMF,
    SVD,
    AlgoBase,
    BaselineOnly,
    CoClustering,
    KNNBaseline,
    KNNBasic,
    KNNWithMeans,
    KNNWithZScore,
    NormalPredictor,
    Prediction,
    PredictionImpossible,
    SlopeOne,
    SVDpp,
)
from foretaste.surprise.reader import Reader
from foretaste.surprise.trainset import Trainset

__version__ = "1.1.5"

__all__ = [
    "NMF",
    "SVD",
    "AlgoBase",
    "BaselineOnly",
    "CoClustering",
    "Dataset",
    "KNNBaseline",
    "KNNBasic",
    "KNNWithMeans",
    "KNNWithZScore",
    "NormalPredictor",
    "Prediction",
    "PredictionImpossible",
    "Reader",
    "SVDpp",
    "SlopeOne",
    "Trainset",
    "dump",
    "get_dataset_dir",
    "model_selection",
]

_alias.install(__name__)
