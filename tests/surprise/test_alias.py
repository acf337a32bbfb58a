"""The room under another name."""

import subprocess
import sys

PROGRAM = """
import sys
import foretaste.surprise
sys.modules["surprise"] = foretaste.surprise

import surprise
import surprise.accuracy
import surprise.prediction_algorithms.predictions as predictions
from surprise import Dataset, dump, accuracy
from surprise.builtin_datasets import get_dataset_dir
from surprise.prediction_algorithms.algo_base import AlgoBase
from surprise.trainset import Trainset

assert surprise is foretaste.surprise
assert AlgoBase is surprise.AlgoBase and Trainset is surprise.Trainset
assert predictions.PredictionImpossible is foretaste.surprise.PredictionImpossible
assert surprise.accuracy is foretaste.surprise.accuracy is accuracy
assert dump.__name__ == "foretaste.surprise.dump" == dump.__spec__.name
assert sys.modules["surprise.trainset"] is sys.modules["foretaste.surprise.trainset"]
for missing in ("surprise.nothing", "surprise.prediction_algorithms.nothing", "foretaste.surprise.nothing"):
    try:
        __import__(missing)
    except ModuleNotFoundError as error:
        assert str(error) == f"No module named {missing!r}" and error.name == missing, error
    else:
        raise SystemExit(f"{missing} was found")
print("fine", surprise.__version__)
"""


def test_the_modules_under_another_name_are_the_modules():
    ran = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], check=False, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("fine 1.1.5\n", "")
