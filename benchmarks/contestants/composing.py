"""Whole pages: composed from a synthetic shop of 100,000 items, and beside what people had afterwards on ml-100k."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

import foretaste as ft
from benchmarks.contestants.foretaste import with_factors
from benchmarks.data import Array, Scores, Timed
from foretaste import pages

_YEAR = 365  # days that the events are spread over
_N_PAGES = 100

_LAYOUT = pages.Layout(
    rows=12,
    columns=20,
    row=(
        pages.Top(blend=pages.Blend(predicted=1, freshness=0.2, popularity=0.1)),
        pages.Because(within="365d", apart=1.0, max_rows=6),
        pages.Category(attribute="genres", max_rows=20),
        pages.Category(attribute="brand", max_rows=18),
        pages.Category(attribute="decade", max_rows=9),
        pages.Top(title="Short", where="minutes <= 90"),
        pages.Top(title="Long", where="minutes > 150"),
        pages.Popular(),
        pages.Trending(),
        pages.New(),
        pages.Discover(),
        pages.Continue(),
        pages.Sponsored(),
    ),
    rule=(
        pages.Rule(name="recalled", where="brand = 'brand 7'", hide=True),
        pages.Rule(name="season", where="'genre 3' = any(genres)", boost=1.2),
        pages.Rule(
            name="campaign",
            where="brand in ('brand 1', 'brand 2', 'brand 3')",
            sponsored=True,
            boost=1.3,
            floor=0.2,
            cap=pages.Cap(per_user=3),
        ),
    ),
)

_COMPOSERS: dict[Scores, pages.Composer] = {}


def compose(scores: Scores) -> dict[str, Any]:
    """A page each for a hundred users, the composer at hand; the first page of all is not counted."""
    composer = _composer(scores)
    users = np.random.default_rng(1).integers(0, len(scores.user_factors), _N_PAGES + 1)
    seconds, n_rows, n_slots = [], [], []
    for user in users.tolist():
        visitor = _visitor(user, len(scores.item_factors))
        started = time.perf_counter()
        page = composer.compose(user, visitor=visitor)
        seconds.append(time.perf_counter() - started)
        n_rows.append(len(page))
        n_slots.append(sum(map(len, page)))
    drafts = len(composer.drafts(composer.visit(user, visitor=visitor)))
    return {
        "a page": statistics.median(seconds[1:]),
        "slowest page": max(seconds[1:]),
        "rows": statistics.median(n_rows),
        "slots": statistics.median(n_slots),
        "candidate rows": drafts,
    }


def _composer(scores: Scores) -> pages.Composer:
    """Made once: the model, the events with times, and what is known of the items."""
    if scores not in _COMPOSERS:
        rng = np.random.default_rng(0)
        seen = scores.seen.tocoo()
        days = rng.integers(0, _YEAR * 86_400, seen.data.size)
        events = ft.Interactions.from_arrays(*seen.coords, times=days)
        _COMPOSERS[scores] = pages.Composer(with_factors(scores), events, _LAYOUT, _items(scores, rng))
    return _COMPOSERS[scores]


def _items(scores: Scores, rng: np.random.Generator) -> pl.DataFrame:
    n_items = len(scores.item_factors)
    genres = np.array([f"genre {number}" for number in range(20)])
    return pl.DataFrame(
        {
            "item": np.arange(n_items),
            "title": [f"item {number}" for number in range(n_items)],
            "genres": [genres[chosen].tolist() for chosen in _few(n_items, genres.size, rng)],
            "brand": [f"brand {number}" for number in rng.integers(0, 500, n_items)],
            "decade": [f"{decade}0s" for decade in rng.integers(194, 203, n_items)],
            "minutes": rng.integers(60, 200, n_items),
            "available": rng.random(n_items) < 0.95,
            "available_from": rng.integers(-_YEAR, 30, n_items) * 86_400,
            "min_age": pl.Series(np.where(rng.random(n_items) < 0.05, 18.0, np.nan)).fill_nan(None),
            "released": rng.integers(-10 * _YEAR, _YEAR, n_items) * 86_400,
        }
    )


def _few(n_rows: int, n_values: int, rng: np.random.Generator) -> Array:
    """Three distinct values a row."""
    return np.argsort(rng.random((n_rows, n_values)), axis=1)[:, :3]


def _visitor(user: int, n_items: int) -> pages.Visitor:
    """Somebody who has blocked a few items, started a few, and was shown a few."""
    items = np.random.default_rng(user).integers(0, n_items, 12).tolist()
    shown = [(item, _YEAR * 86_400 - 3600) for item in items[6:9]]
    return pages.Visitor(age=30, blocked=items[:6], progress=dict.fromkeys(items[9:], 0.5), shown=shown)


# ml-100k by time -----------------------------------------------------------------------------------------------------

_N_LISTED = 20
_MODELS: dict[Timed, ft.ImplicitALS] = {}


def one_row(events: Timed, kind: str, parameters: Mapping[str, Any]) -> dict[str, float]:
    """A page of one row of 20 for everybody with events on both sides of the moment.

    `far` is the mean over users of the mean of 1 minus the largest cosine of each item with the user's own, in the
    space of events and in that of genres.
    """
    composer = _by_time(events, getattr(pages, kind)(**parameters, min_items=1))
    report = pages.evaluate(composer, pl.DataFrame(events.after), at=events.at)
    far: dict[str, list[float]] = {"events": [], "content": []}
    for user in report.ids:
        visit = composer.visit(user, events.at)
        items = composer.stage.item_codes(slot.item for row in composer.page_of(visit) for slot in row)
        own = np.unique(visit.events[0])
        for name, values in far.items():
            nearest = composer.stage.space(name).between(items, own).max(axis=1, initial=0)
            values.append(float((1 - nearest).mean()))
    return {
        "hit rate": report["hit_rate"],
        "recall": report["recall"],
        "far, events": float(np.mean(far["events"])),
        "far, genres": float(np.mean(far["content"])),
        "slots": report["slots"],
        "users": len(report.ids),
    }


def blended(events: Timed, blends: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Weights learned from half of the users, beside given ones, on the other half."""
    composer, after = _by_time(events, pages.Top()), pl.DataFrame(events.after)
    users = np.random.default_rng(0).permutation(np.unique(events.after["user"])).tolist()
    half = len(users) // 2
    learned = pages.Blend.learned(composer, after, users=users[:half], at=events.at)
    compared = {name: pages.Blend(**weights) for name, weights in blends.items()} | {"learned": learned}
    table = pages.compare_blends(composer, after, compared, users[half:], events.at, n=_N_LISTED)
    return {
        **{f"{row['metric']}, {row['blend']}": row["value"] for row in table.iter_rows(named=True)},
        **{f"weight of {name}": weight for name, weight in learned},
        "users": len(users) - half,
    }


def _by_time(events: Timed, row: pages.RowKind) -> pages.Composer:
    known = ft.Interactions.from_frame(pl.DataFrame(events.before))
    if events not in _MODELS:
        _MODELS[events] = ft.ImplicitALS(n_factors=32, n_epochs=8, tol=0, random_state=0).fit(known)
    films = pl.DataFrame({"item": np.arange(len(events.genres)), "genres": [list(names) for names in events.genres]})
    layout = pages.Layout(row=(row,), columns=_N_LISTED, signals=pages.Settings(attributes=("genres",)))
    with warnings.catch_warnings(action="ignore", category=ft.exceptions.DataWarning):  # films that nobody had
        return pages.Composer(_MODELS[events], known, layout, films)
