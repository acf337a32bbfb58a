"""The algorithms, and what a custom one derives from."""

from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase
from foretaste.surprise.prediction_algorithms.matrix_factorization import NMF, SVD, SVDpp
from foretaste.surprise.prediction_algorithms.predictions import Prediction, PredictionImpossible
from foretaste.surprise.prediction_algorithms.random_pred import NormalPredictor

__all__ = [
    "NMF",
    "SVD",
    "AlgoBase",
    "NormalPredictor",
    "Prediction",
    "PredictionImpossible",
    "SVDpp",
]
