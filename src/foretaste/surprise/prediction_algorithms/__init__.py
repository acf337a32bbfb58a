"""The algorithms, and what a custom one derives from."""

from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase
from foretaste.surprise.prediction_algorithms.co_clustering import CoClustering
from foretaste.surprise.prediction_algorithms.predictions import Prediction, PredictionImpossible
from foretaste.surprise.prediction_algorithms.random_pred import NormalPredictor
from foretaste.surprise.prediction_algorithms.slope_one import SlopeOne

__all__ = [
    "AlgoBase",
    "CoClustering",
    "NormalPredictor",
    "Prediction",
    "PredictionImpossible",
    "SlopeOne",
]
