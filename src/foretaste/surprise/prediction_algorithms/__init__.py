"""The algorithms, and what a custom one derives from."""

from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase
from foretaste.surprise.prediction_algorithms.baseline_only import BaselineOnly
from foretaste.surprise.prediction_algorithms.co_clustering import CoClustering
from foretaste.surprise.prediction_algorithms.knns import KNNBaseline, KNNBasic, KNNWithMeans, KNNWithZScore
from foretaste.surprise.prediction_algorithms.matrix_factorization import NMF, SVD, SVDpp
from foretaste.surprise.prediction_algorithms.predictions import Prediction, PredictionImpossible
from foretaste.surprise.prediction_algorithms.random_pred import NormalPredictor
from foretaste.surprise.prediction_algorithms.slope_one import SlopeOne

__all__ = [
    "NMF",
    "SVD",
    "AlgoBase",
    "BaselineOnly",
    "CoClustering",
    "KNNBaseline",
    "KNNBasic",
    "KNNWithMeans",
    "KNNWithZScore",
    "NormalPredictor",
    "Prediction",
    "PredictionImpossible",
    "SVDpp",
    "SlopeOne",
]
