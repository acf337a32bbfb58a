"""What foretaste's pages do; beside `foretaste.py`, whose rows do not pay for these imports."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

import foretaste as ft
from benchmarks.data import Array, Baskets, Candidates, Events
from benchmarks.measure import Stopwatch, median_seconds
from foretaste import pages
from foretaste.data.interactions import SparseRows
from foretaste.data.moments import SECONDS_A_DAY, moment
from foretaste.kernels.diversity import greedy_map as choose
from foretaste.metrics import beyond
from foretaste.pages.stage import Stage
from foretaste.pages.visit import Visit

_N_SLOTS = 20
_AT = moment(0)  # the events have no times


def greedy_map(candidates: Candidates, calls: int) -> dict[str, float]:
    chosen = np.empty(candidates.n_slots, np.int32)
    seconds = median_seconds(lambda: choose(candidates.scores, candidates.vectors, candidates.weight, chosen), calls)
    return {"a list": seconds, "agreement": candidates.agreement(chosen)}


def varied_rows(events: Events, diversity: Mapping[str, Any]) -> dict[str, float]:
    """A row for everybody, timed one by one, and what the rows are like."""
    window = diversity.get("window")
    how = pages.Diversity(**{**diversity, "window": window and pages.Window(**window)})
    stage, users = _stage(events), events.asked()
    genres = stage.catalogue.attribute("genres")
    rows = np.full((users.size, _N_SLOTS), -1, np.int32)
    seconds, had = np.empty(users.size), np.zeros((users.size, stage.n_items), np.bool_)
    for place, user in enumerate(users.tolist()):
        visit = Visit(stage, user, _AT, pages.Visitor(), seen="hide")
        draft = pages.Top().draft(visit, ~visit.seen)
        had[place, visit.history.codes] = True  # and what other rows of a page need too is there, before the clock
        started = time.perf_counter()
        chosen = how.order(visit, draft.codes, draft.scores, _N_SLOTS)
        seconds[place] = time.perf_counter() - started
        rows[place, : chosen.size] = draft.codes[chosen]
    wanted = np.zeros((users.size, stage.n_items + 1), np.bool_)
    items = stage.catalogue.items.encode(events.test_items)
    wanted[np.searchsorted(users, events.test_users), items] = True
    hits = np.take_along_axis(wanted[:, :-1], np.maximum(rows, 0), axis=1) & (rows >= 0)
    by_genre = sparse.csr_array(genres.of_items[::-1], (stage.n_items, len(genres.values)))
    own = sparse.csr_array(had)
    history = SparseRows(own.indptr.astype(np.int64), own.indices, own.data.astype(np.float32))
    vectors = sparse.csr_array(stage.space("factors").vectors)
    return {
        "a row": float(np.median(seconds)),
        "unlike, factors": float(np.nanmean(beyond.diversity(rows, vectors))),
        "unlike, genres": float(np.nanmean(beyond.diversity(rows, by_genre))),
        "calibration": float(np.nanmean(beyond.calibration(rows, history, by_genre.toarray().astype(np.float64)))),
        "hit rate": float(hits.any(axis=1).mean()),
        "precision": float(hits.sum() / (rows >= 0).sum()),
        "slots": float((rows >= 0).sum(axis=1).mean()),
    }


def buy_again(baskets: Baskets, row: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, float]:
    """The row of what to buy again, at the moment of each basket."""
    interactions = ft.Interactions.from_arrays(
        baskets.users, baskets.items, times=baskets.days * SECONDS_A_DAY, duplicates="keep"
    )
    kind = pages.BuyAgain(min_items=1, **row)
    layout = pages.Layout(row=(kind,), signals=pages.Settings(**settings))
    stage = pages.Composer(ft.Popularity().fit(interactions), interactions, layout).stage
    ids = stage.catalogue.items.ids.to_numpy()

    def found(user: int, day: int) -> Array:
        visit = Visit(stage, user, moment(day * SECONDS_A_DAY), pages.Visitor(), seen="hide")
        drafts = kind.drafts(visit, visit.eligible)
        return ids[drafts[0].codes] if drafts else ids[:0]

    watch = Stopwatch()
    with watch("lists"):
        figures = baskets.accuracy(found)
    return watch.seconds | figures


def _stage(events: Events) -> Stage:
    train = ft.Interactions.from_arrays(events.users, events.items)
    films = pl.DataFrame({"item": np.arange(len(events.tags)), "genres": [list(tags) for tags in events.tags]})
    model = ft.ImplicitALS(n_factors=32, n_epochs=8, tol=0, random_state=0).fit(train)
    with warnings.catch_warnings(action="ignore", category=ft.exceptions.DataWarning):  # films that nobody had
        return pages.Composer(model, train, pages.Layout(row=(pages.Top(),)), films).stage
