"""Surprise's interface on foretaste's engine: a program that imports from `surprise` may import from here instead."""

from foretaste.surprise.builtin_datasets import get_dataset_dir
from foretaste.surprise.dataset import Dataset
from foretaste.surprise.prediction_algorithms import (
    AlgoBase,
    BaselineOnly,
    KNNBaseline,
    KNNBasic,
    KNNWithMeans,
    KNNWithZScore,
    Prediction,
    PredictionImpossible,
)
from foretaste.surprise.reader import Reader
from foretaste.surprise.trainset import Trainset

__all__ = [
    "AlgoBase",
    "BaselineOnly",
    "Dataset",
    "KNNBaseline",
    "KNNBasic",
    "KNNWithMeans",
    "KNNWithZScore",
    "Prediction",
    "PredictionImpossible",
    "Reader",
    "Trainset",
    "get_dataset_dir",
]
