"""The rows about pages: what it takes to compose them, and what the parts do to what is shown."""

from __future__ import annotations

from typing import Any

from benchmarks.row import AtLeast, AtMost, Contestant, Faster, Row


def _varied(label: str, **diversity: Any) -> Contestant:  # noqa: ANN401  the parameters of Diversity
    return Contestant(label, "pages.varied_rows", {"diversity": diversity})


_BY_GENRES = {"by": "genres"}

ROWS: tuple[Row, ...] = (
    Row(
        name="pages-dpp",
        title="The greedy choice from a determinantal point process, 20 of 200 candidates",
        about=(
            "Random normal vectors of 64 dimensions, brought to length 1, and uniform scores; weight 0.3, one thread. "
            "From arrays to the positions chosen, 100 calls a run; seconds are those of the middle one. `agreement` is "
            "the share of places filled as by maximising the determinant itself, which the last contestant does."
        ),
        data="varied_candidates",
        contestants=(
            Contestant("foretaste greedy_map", "pages.greedy_map", {"calls": 100}),
            Contestant("NumPy, rows of Cholesky's factor", "arrays.greedy_map", {"calls": 100}),
            Contestant("NumPy, determinants", "arrays.greedy_determinants"),
        ),
        timed="a list",
        shown=("agreement",),
        targets=(
            AtMost("a list", 0.0005),
            AtLeast("agreement", 1),
            Faster("NumPy, rows of Cholesky's factor", 2),
        ),
    ),
    Row(
        name="pages-diversity",
        title="What diversity does to a row of 20, ml-100k, the last fifth of each user's events held out",
        about=(
            "All ratings events; ImplicitALS with 32 factors and 8 epochs on the first four fifths of each user's; 20 "
            "of the best 300 films that a user does not have, for everybody. `a row` is `Diversity.order`, from what "
            "the visit knows to positions. `unlike` is 1 minus the mean cosine of all pairs, by factors and by genres; "
            "`calibration` in bits, against all that the user had before; `hit rate` the share of users with a film "
            "held out in the row, `precision` the share of such films in it, `slots` how many films a row has."
        ),
        data="ml_100k_last_fifth",
        contestants=(
            _varied("none", method="none"),
            _varied("mmr 0.3, factors", by="factors"),
            _varied("mmr 0.3, genres", **_BY_GENRES),
            _varied("dpp 0.1, factors", method="dpp", weight=0.1, by="factors"),
            _varied("dpp 0.3, factors", method="dpp", by="factors"),
            _varied("dpp 0.3, genres", method="dpp", **_BY_GENRES),
            _varied("calibrated 0.3", method="calibrated", **_BY_GENRES),
            _varied("calibrated 0.7", method="calibrated", weight=0.7, **_BY_GENRES),
            _varied("window, 2 in 5", method="none", window={"attribute": "genres", "most": 2, "among": 5}),
        ),
        timed="a row",
        shown=("unlike, factors", "unlike, genres", "calibration", "hit rate", "precision", "slots"),
        rivals=False,
        targets=tuple(
            AtMost(f"a row: {name}", 0.001)
            for name in ("mmr 0.3, factors", "dpp 0.3, factors", "dpp 0.3, genres", "calibrated 0.3")
        ),
    ),
)
