"""What Surprise does in each row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import surprise

from benchmarks.contestants import programs
from benchmarks.data import Split
from benchmarks.measure import Stopwatch


def ratings(split: Split, algorithm: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  the algorithm's own
    """Fit an algorithm and test it."""
    return programs.run(surprise, split, algorithm, parameters)


def compare(splits: Mapping[str, Split], algorithm: str, **parameters: Any) -> dict[str, float]:  # noqa: ANN401
    """`ratings` on each fold: the means, and how sure that of the RMSE is."""
    np.random.seed(0)  # noqa: NPY002  what NormalPredictor draws from
    folds = [ratings(split, algorithm, **parameters) for split in splits.values()]
    means = {name: float(np.mean([fold[name] for fold in folds])) for name in ("fit", "predict", "rmse", "mae")}
    spread = np.std([fold["rmse"] for fold in folds], ddof=min(1, len(folds) - 1))
    return means | {"rmse standard error": float(spread / np.sqrt(len(folds)))}


def read_file(path: Path) -> dict[str, float]:
    watch = Stopwatch()
    reader = surprise.Reader(line_format="user item rating timestamp", sep="::", rating_scale=(1, 5))
    with watch("read"):
        trainset = surprise.Dataset.load_from_file(str(path), reader).build_full_trainset()
    return watch.seconds | {"rows": trainset.n_ratings}
