"""The rows in which one program, written for Surprise, is run with Surprise and with foretaste.surprise."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Contestant, Faster, NoWorse, Row, Same

_SEED = {"random_state": 0}
_QUIET = {"verbose": False}
_BY_ITEM = {"user_based": False}


def _row(
    name: str,
    algorithm: str,
    times: float,
    parameters: dict[str, Any],
    *,
    same_bits: bool = True,
    by_default: bool = True,
) -> Row:
    """A row; `same_bits` is false where predictions agree to 1e-9 and not to the last digit."""
    options = {"algorithm": algorithm} | parameters
    settings = ", ".join(f"{key}={value!r}" for key, value in parameters.items()) or "defaults"
    same = Same("predicted", f"Surprise {algorithm}") if same_bits else NoWorse("rmse", f"Surprise {algorithm}")
    return Row(
        name=f"surprise-{name}",
        title=f"One program with {algorithm}, ml-1m, fold 0 of 5",
        about=(
            f"{settings}. The clock runs over `fit` and over `test` of the 200,000 test pairs; `prepare` makes the "
            "Trainset from a frame. `predicted` is a hash of every estimate: equal means equal to the last bit."
        ),
        data="ml_1m_fold",
        contestants=(
            Contestant(f"foretaste.surprise {algorithm}", "drop_in.ratings", options),
            Contestant(f"Surprise {algorithm}", "surprise.ratings", options),
        ),
        timed="fit + predict",
        shown=("prepare", "fit", "predict", "rmse", "predicted"),
        targets=(Faster(f"Surprise {algorithm}", times), same),
        warm_up="few",
        most_runs=3,
        by_default=by_default,
    )


ROWS = (
    _row("svd", "SVD", 1.5, _SEED),
    _row("svdpp", "SVDpp", 4, _SEED, same_bits=False, by_default=False),
    _row("nmf", "NMF", 1.5, _SEED),
    _row("baseline", "BaselineOnly", 1.5, _QUIET),
    _row("baseline-sgd", "BaselineOnly", 1.5, {"bsl_options": {"method": "sgd"}} | _QUIET),
    *(
        _row(f"knn-{name}", algorithm, 10, {"sim_options": {"name": similarity} | direction} | _QUIET, by_default=False)
        for name, algorithm, similarity, direction in (
            ("basic", "KNNBasic", "cosine", _BY_ITEM),
            ("means", "KNNWithMeans", "msd", {}),
            ("z-score", "KNNWithZScore", "pearson", {}),
            ("baseline", "KNNBaseline", "pearson_baseline", _BY_ITEM),
        )
    ),
    _row("slope-one", "SlopeOne", 10, {}),
    _row("co-clustering", "CoClustering", 1.5, _SEED),
)
