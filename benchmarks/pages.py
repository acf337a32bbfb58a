"""The rows about pages: what it takes to compose them, and what the parts do to what is shown."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Above, AtLeast, AtMost, Contestant, Faster, Row


def _varied(label: str, **diversity: Any) -> Contestant:  # noqa: ANN401  the parameters of Diversity
    return Contestant(label, "pages.varied_rows", {"diversity": diversity})


def _discover(reach: int) -> dict[str, Any]:
    return {"kind": "Discover", "parameters": {"reach": reach}}


_BY_GENRES = {"by": "genres"}
_GIVEN = {"predicted": {"predicted": 1}, "given": {"predicted": 1, "freshness": 0.2, "popularity": 0.1}}

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
    Row(
        name="pages-compose",
        title="A page of 12 rows of 20 from 100,000 items",
        about=(
            "100,000 items, 20,000 users, two million events over a year, random factors of 64 dimensions; 60 "
            "candidate rows (6 because, 47 category and others), rules that hide, boost and sponsor, dates and ages, "
            "one thread. `a page` is the median of a hundred users; what all visitors share, spaces and signals, is "
            "there from the warm-up."
        ),
        data="many_items",
        contestants=(Contestant("foretaste Composer", "composing.compose"),),
        timed="a page",
        shown=("slowest page", "candidate rows", "rows", "slots"),
        targets=(AtMost("a page", 0.025), AtLeast("candidate rows", 60), AtLeast("slots", 240)),
    ),
    *(
        Row(
            name=f"pages-discover{suffix}",
            title=f"What is like nothing one had, ml-100k, {title}",
            about=(
                "All ratings events; ImplicitALS with 32 factors and 8 epochs; a row of 20 new films for everybody "
                "with events on both sides of the moment. `far` is 1 minus the largest cosine of a film with the "
                "user's own, averaged over the row and over users, in the space of events and in that of genres; "
                "`hit rate` the share of users with a film in the row that they rated afterwards."
            ),
            data=f"ml_100k_by_time{data}",
            contestants=(
                *(Contestant(f"Discover, reach {reach}", "composing.one_row", _discover(reach)) for reach in reaches),
                Contestant("Top", "composing.one_row", {"kind": "Top", "parameters": {}}),
            ),
            timed="call",
            shown=("far, events", "far, genres", "hit rate", "recall", "slots", "users"),
            rivals=False,
            targets=targets,
            by_default=not suffix,
        )
        for suffix, title, data, reaches, targets in (
            (
                *("", "the last fifth of all events by time held out", "", (300,)),
                (
                    Above("far, events", "Top"),
                    AtLeast("hit rate", 0.3364),
                ),  # farther, at half the hit rate of Top or more
            ),
            ("-tuning", "a fifth of the training part held out", "_validation", (30, 50, 80, 120, 200, 300), ()),
        )
    ),
    Row(
        name="pages-blends",
        title="Weights given and learned, ml-100k, the last fifth of all events by time held out",
        about=(
            "As `pages-discover`; lists of 20 of the films that are new to a user. The weights are learned from what "
            "half of the users rated afterwards, and all blends measured on the other half."
        ),
        data="ml_100k_by_time",
        contestants=(Contestant("foretaste Blend", "composing.blended", {"blends": _GIVEN}),),
        timed="call",
        shown=tuple(
            f"{metric}, {blend}" for metric in ("recall", "hit_rate") for blend in ("predicted", "given", "learned")
        ),
        rivals=False,
    ),
    Row(
        name="map-page",
        title="The map of 100,000 items: writing the page, and walking through it in a browser",
        about=(
            "64 random factors, titles of 23 letters drawn by lot, 19 genres and a year that go with nothing: what "
            "compresses least. `write` is the whole of `write_map` with its neighbours and tests. In headless Chromium "
            "with WebGL in software, 1200 by 900: when the browser first paints, when the map is drawn, and the median "
            "and the 95th percentile of the time between frames while the map is dragged to and fro."
        ),
        data="many_items",
        contestants=(Contestant("foretaste write_map", "map_page.walk"),),
        timed="write",
        shown=("MB", "first paint", "map drawn", "a frame", "a slow frame"),
        targets=(AtMost("MB", 3), AtMost("first paint", 2), AtMost("map drawn", 2)),
        rivals=False,
        most_runs=1,
    ),
)
