"""Random stages for pages, small enough to be looked through by loops: a model without a fit, events, items, rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

import foretaste as ft
from foretaste import pages
from foretaste.data.vocabulary import Vocabulary
from foretaste.pages.rows import Draft

NOW = datetime(2024, 3, 1, 12)  # noqa: DTZ001  as the events are
GENRES = ("comedy", "drama", "war")


class Rater:
    """A model that has its ratings and factors from somewhere else."""

    predicts_ratings = True
    scale_ = (0.0, 1.0)
    kind_ = "polars"

    def __init__(self, ratings, factors):
        self.ratings, self.item_factors_ = ratings.astype(np.float32), factors.astype(np.float32)
        self.user_vocabulary_ = Vocabulary([f"u{user}" for user in range(len(ratings))])
        self.item_vocabulary_ = Vocabulary([f"i{item}" for item in range(ratings.shape[1])])

    def score_codes(self, user_codes, *, exclude_seen=True):
        assert not exclude_seen
        average = self.ratings.mean(axis=0)
        return np.array([self.ratings[code] if code >= 0 else average for code in user_codes], np.float32)


@dataclass(frozen=True, kw_only=True)
class Everything(pages.RowKind):
    """A kind of row that does not listen: all items, whether they may be shown or not, and twice."""

    kind = "everything"
    heading = "Everything"

    def _drafts(self, visit, allowed):  # noqa: ARG002  that is the point
        codes = np.tile(np.arange(visit.n_items, dtype=np.int32), 2)
        yield Draft(self, self._named({}), codes, {"predicted": visit.signal("predicted")[codes]})


@dataclass
class Scene:
    """Everything a page is composed from, and plain lists to look things up in."""

    model: Rater
    events: Any
    items: pl.DataFrame | None
    layout: pages.Layout
    visitor: pages.Visitor
    user: str
    about: list[dict[str, Any]] = field(default_factory=list)  # by item

    def composer(self):
        return pages.Composer(self.model, self.events, self.layout, self.items)

    def page(self):
        return self.composer().compose(self.user, NOW, self.visitor)

    # What holds of an item, told by plain loops

    def applies(self, rule, item):
        return rule.where == "true" or rule.where.split("'")[1] in (self.about[item].get("genres") or [])

    def eligible(self, item):
        about = self.about[item]
        opens, closes, age = (about.get(name) for name in ("available_from", "available_until", "min_age"))
        return not (
            about.get("available") is False
            or (opens is not None and opens > NOW)
            or (closes is not None and closes <= NOW)
            or (age is not None and age > (self.visitor.age or 0))
            or f"i{item}" in self.visitor.blocked
            or any(rule.hide and self.applies(rule, item) for rule in self.layout.rule)
        )

    def predicted(self, item):
        known = int(self.user[1:]) < len(self.model.ratings)
        return float(self.model.ratings[int(self.user[1:]), item] if known else self.model.ratings.mean(axis=0)[item])

    def sponsor(self, item):
        """The first sponsored rule that applies."""
        for rule in self.layout.rule:
            recent = NOW - timedelta(days=rule.cap.days) if rule.cap else NOW
            times = [time for name, time in self.visitor.shown if name == f"i{item}" and recent < time <= NOW]
            worn_out = rule.cap is not None and len(times) >= rule.cap.per_user
            if rule.sponsored and self.applies(rule, item) and self.predicted(item) >= rule.floor and not worn_out:
                return rule
        return None

    def had(self):
        frame = self.events.to_frame().filter(pl.col("user") == self.user)
        return set((frame.filter(pl.col("time") < NOW) if "time" in frame.columns else frame)["item"].to_list())


def _catalogue(rng, n_items):
    """What is known of each item: some columns, each with gaps."""
    hours = rng.integers(-100, 100, (2, n_items))
    columns = {
        "title": [f"Item {item}" for item in range(n_items)],
        "genres": [list(rng.permutation(GENRES)[: rng.integers(1, 3)]) for _ in range(n_items)],
        "available": (rng.random(n_items) < 0.8).tolist(),
        "available_from": [NOW + timedelta(hours=int(h) - 60) for h in hours[0]],
        "available_until": [NOW + timedelta(hours=int(h) + 60) for h in hours[1]],
        "min_age": rng.choice([0, 12, 18], n_items, p=[0.7, 0.2, 0.1]).tolist(),
        "released": [NOW - timedelta(days=int(d)) for d in rng.integers(0, 90, n_items)],
    }
    kept = {"title", "genres"} | {name for name in columns if rng.random() < 0.5}
    gaps = {name: rng.random(n_items) < 0.1 for name in columns}
    return {
        name: [None if gap else value for value, gap in zip(columns[name], gaps[name], strict=True)]
        for name in columns
        if name in kept
    }


def kinds():
    """All kinds of rows there are to choose from."""
    found = [getattr(pages, name) for name in pages.__all__]
    return [
        kind for kind in found if isinstance(kind, type) and issubclass(kind, pages.RowKind) and hasattr(kind, "kind")
    ]


@st.composite
def scenes(draw, n_items=None, with_items=None):
    """A scene; numbers come from a seed, and what tells one from another in kind is drawn."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_users, n_items = draw(st.integers(1, 4)), n_items or draw(st.integers(1, 30))
    model = Rater(rng.random((n_users, n_items)).round(draw(st.sampled_from([1, 6]))), rng.normal(size=(n_items, 3)))
    n_events = draw(st.sampled_from([1, 20, 80]))
    users, items = rng.integers(0, n_users, n_events), rng.integers(0, n_items, n_events)
    times = [NOW - timedelta(days=float(age)) for age in rng.exponential(20, n_events) - 2]
    events = ft.Interactions.from_arrays(
        [f"u{user}" for user in users],
        [f"i{item}" for item in items],
        times=times if draw(st.booleans()) else None,
        duplicates="keep",
    )
    has_items = draw(st.booleans()) if with_items is None else with_items
    columns = _catalogue(rng, n_items) if has_items else {}
    names = [f"i{item}" for item in range(n_items)]
    rows = draw(st.lists(_rows(has_items=has_items), min_size=1, max_size=7))
    rules = draw(st.lists(_rules(has_items=has_items), max_size=3))
    layout = pages.Layout(
        row=tuple(rows),
        rule=tuple(rules),
        rows=draw(st.integers(1, 6)),
        columns=draw(st.integers(1, 9)),
        seen=draw(st.sampled_from(["hide", "discount", "allow"])),
        patience_down=draw(st.sampled_from([0.0, 0.9, 1.0])),
        patience_right=draw(st.sampled_from([0.0, 0.9, 1.0])),
    )
    some = rng.choice([*names, "nobody knows"], 8).tolist()
    visitor = pages.Visitor(
        age=draw(st.sampled_from([None, 15, 40])),
        blocked=some[:2],
        progress={name: float(share) for name, share in zip(some[2:5], (0.0, 0.5, 0.9), strict=True)},
        shown=[
            (name, NOW - timedelta(hours=float(h))) for name, h in zip(some[5:], rng.uniform(0, 48, 3), strict=True)
        ],
    )
    frame = pl.DataFrame({"item": names, **columns}, strict=False) if columns else None
    about = [{name: values[item] for name, values in columns.items()} for item in range(n_items)]
    return Scene(model, events, frame, layout, visitor, f"u{draw(st.integers(0, n_users))}", about)


@st.composite
def _rows(draw, *, has_items):
    usual = [kind for kind in kinds() if kind is not pages.Category or has_items]
    kind = draw(st.sampled_from([*usual, Everything]))
    options = {"attribute": "genres"} if kind is pages.Category else {}
    if draw(st.booleans()):
        options["where"] = "'drama' = any(genres)" if has_items else "true"
    if draw(st.booleans()):
        options["max_rows"] = draw(st.integers(1, 4))
    if draw(st.booleans()):
        options["blend"] = draw(
            st.sampled_from([pages.Blend(predicted=1, freshness=0.3), pages.Blend(popularity=1, novelty=-0.5)])
        )
    return kind(min_items=draw(st.integers(1, 3)), pinned=draw(st.booleans()), **options)


@st.composite
def _rules(draw, *, has_items):
    return pages.Rule(
        name="a rule",
        where=f"'{draw(st.sampled_from(GENRES))}' = any(genres)" if has_items else "true",
        boost=draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])),
        hide=draw(st.sampled_from([False, False, False, has_items])),
        sponsored=draw(st.booleans()),
        max_share=draw(st.sampled_from([0.0, 0.2, 0.29, 0.5, 1.0])),
        spacing=draw(st.integers(0, 3)),
        floor=draw(st.sampled_from([0.0, 0.3, 0.8])),
        cap=draw(st.sampled_from([None, pages.Cap(per_user=1), pages.Cap(per_user=2, per="2h")])),
        pin=draw(st.sampled_from([None, None, 1, 3, 20])),
    )
