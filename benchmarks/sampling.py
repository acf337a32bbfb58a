"""The rows in which a posterior is sampled: BayesianFM beside myFM, and on two threads; and its records."""

from __future__ import annotations

from typing import Any

from benchmarks.row import AtLeast, AtMost, Contestant, Faster, NoWorse, Row, Same

_IDS = ("user", "item")
_FLIPPED = (*_IDS, "implicit", "implicit_items")
_SAME = {"n_factors": 32, "n_samples": 35, "burn_in": 5}


def _ours(name: str, **parameters: Any) -> Contestant:  # noqa: ANN401  the model's own
    settings = {"random_state": 0} | parameters
    options = {"model": "BayesianFM", "parameters": settings}
    return Contestant(f"foretaste {name}", "foretaste.dated_ratings", options, settings.get("n_jobs", 1))


def _folds(name: str, *, described: bool = False, **parameters: Any) -> Contestant:  # noqa: ANN401  the model's own
    settings = {"parameters": {"random_state": 0} | parameters, "described": described}
    return Contestant(f"BayesianFM, {name}", "foretaste.film_folds", settings)


_MYFM = Contestant("myFM", "myfm.ratings", _SAME)
_SHOWN = ("prepare", "predict", "rmse", "mae")

ROWS = (
    Row(
        name="bayesian-fm",
        title="A factorisation machine by Gibbs sampling, ml-1m, 90/10, the two ids alone",
        about=(
            "32 factors, one chain, the first 5 sweeps dropped and 35 kept, one thread, the same priors. "
            "Forty sweeps are enough to time one and too few for the best accuracy."
        ),
        data="ml_1m_tenth",
        contestants=(_ours("BayesianFM", features=_IDS, n_chains=1, **_SAME), _MYFM),
        shown=_SHOWN,
        targets=(Faster(_MYFM.name, 5), NoWorse("rmse", _MYFM.name)),
        warm_up="few",
    ),
    Row(
        name="bayesian-fm-threads",
        title="BayesianFM on two threads, ml-1m, 90/10, the two ids alone",
        about="32 factors, four chains, 160 draws. `learned` is a hash of everything the model has learned.",
        data="ml_1m_tenth",
        contestants=(
            _ours("two threads", features=_IDS, n_factors=32, n_samples=160, n_chains=4, n_jobs=2),
            _ours("one thread", features=_IDS, n_factors=32, n_samples=160, n_chains=4),
        ),
        shown=("rmse", "learned"),
        targets=(Faster("foretaste one thread", 1.6), Same("learned", "foretaste one thread")),
        warm_up="few",
    ),
    Row(
        name="bayesian-fm-records",
        title="The accuracy of BayesianFM, ml-1m, 90/10",
        about="The two ids alone; what everybody has rated and who has rated everything; and the day of the rating.",
        data="ml_1m_tenth",
        contestants=(
            _ours("with sets and days", n_factors=32),
            _ours("with sets", features=_FLIPPED, n_factors=32),
            _ours("ids alone", features=_IDS, n_factors=32),
        ),
        shown=_SHOWN,
        targets=(
            AtMost("rmse", 0.820),
            AtMost("rmse: foretaste with sets", 0.8223),
            AtMost("rmse: foretaste ids alone", 0.831),
        ),
        rivals=False,
        by_default=False,
        warm_up="few",
        most_runs=1,
    ),
    Row(
        name="bayesian-fm-folds",
        title="The accuracy of BayesianFM, ml-100k, the publisher's folds u1 to u5",
        about=(
            "Defaults and the seed 0 but for what is named, means over the five folds. Attributes are age, sex, "
            "occupation and postcode of users, year and genres of films. `covered` is the share of test ratings within "
            "the 90 % interval of their prediction. Rank, burn-in and chains were chosen on a tenth of the training "
            "parts of u2 and u4."
        ),
        data="ml_100k_fold_names",
        contestants=(
            _folds("attributes, ordinal", described=True, link="ordinal"),
            _folds("attributes", described=True),
            _folds("ordinal", link="ordinal"),
            _folds("defaults"),
            _folds("with sets", features=_FLIPPED),
            _folds("ids alone", features=_IDS),
        ),
        shown=("rmse", "mae", "covered"),
        targets=(
            AtMost("rmse", 0.8775),
            AtMost("rmse: BayesianFM, defaults", 0.880),
            AtMost("rmse: BayesianFM, ids alone", 0.897),
            AtLeast("covered", 0.85),
            AtMost("covered", 0.95),
        ),
        rivals=False,
        by_default=False,
        warm_up="first_name",
        most_runs=1,
    ),
)
