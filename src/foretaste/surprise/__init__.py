"""Surprise's interface on foretaste's engine: a program that imports from `surprise` may import from here instead.

`__version__` is that of the Surprise whose names, arguments, numbers and printed lines these are.

With ``sys.modules["surprise"] = foretaste.surprise`` a program need not be changed at all.
"""

from foretaste.surprise import _alias, accuracy, dump
from foretaste.surprise.builtin_datasets import get_dataset_dir
from foretaste.surprise.dataset import Dataset
from foretaste.surprise.prediction_algorithms import (
    AlgoBase,
    BaselineOnly,
    KNNBaseline,
    KNNBasic,
    KNNWithMeans,
    KNNWithZScore,
    NormalPredictor,
    Prediction,
    PredictionImpossible,
)
from foretaste.surprise.reader import Reader
from foretaste.surprise.trainset import Trainset

__version__ = "1.1.5"

__all__ = [
    "AlgoBase",
    "BaselineOnly",
    "Dataset",
    "KNNBaseline",
    "KNNBasic",
    "KNNWithMeans",
    "KNNWithZScore",
    "NormalPredictor",
    "Prediction",
    "PredictionImpossible",
    "Reader",
    "Trainset",
    "accuracy",
    "dump",
    "get_dataset_dir",
]

_alias.install(__name__)
