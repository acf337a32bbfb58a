"""`evaluate` and `cost_of_rules`: what pages show, beside what people had afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from foretaste._typing import Float64, Frame, Id, RandomState
from foretaste.data.coerce import as_events
from foretaste.data.frames import make_frame
from foretaste.data.interactions import Interactions
from foretaste.data.vocabulary import Vocabulary, as_column
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.pages.composer import Composer
from foretaste.pages.page import Page
from foretaste.pages.rules import Rule
from foretaste.pages.visit import Visit, Visitor
from foretaste.utils.progress import progress
from foretaste.utils.random import generator
from foretaste.utils.resampling import mean_interval
from foretaste.utils.validation import Float, Int, check_parameters

METRICS = (
    "recall",
    "hit_rate",
    "expected_clicks",
    "rows",
    "slots",
    "duplicates",
    "sponsored_share",
    "sponsored_gap",
    "calibration",
)
"""What `evaluate` measures of each page; `coverage` is of all pages together."""

# Steck's share of the history in the mix of the page, so that a value the page lacks costs much, not infinitely much.
_STECK_ALPHA = 0.01


@dataclass(frozen=True, eq=False)
class PageReport:
    """What `evaluate` found.

    Attributes
    ----------
    values : dict of str to float64 array of shape (n_users,)
        By metric, one value a page; NaN where a metric says nothing of it.
    coverage : float
        The share of all items that stand on somebody's page.
    ids : sequence
        Whose pages they are.
    n_dropped : int
        Users without anything left to be found, who say nothing.
    kind : str
        Frame library of what it gives.
    """

    values: Mapping[str, Float64]
    coverage: float
    ids: Sequence[Id]
    n_dropped: int
    kind: str

    @property
    def users(self) -> Frame:
        """A row a user: `user`, and each metric."""
        return make_frame({"user": as_column(self.ids)} | dict(self.values), self.kind)

    def __getitem__(self, metric: str) -> float:
        """The mean of a metric over those users for whom it says something, or the coverage."""
        if metric == "coverage":
            return self.coverage
        if metric not in self.values:
            message = f"{metric!r} was not measured, only {', '.join(map(repr, [*self.values, 'coverage']))}."
            raise InvalidParameterError(message)
        known = self.values[metric][~np.isnan(self.values[metric])]
        return float(known.mean()) if known.size else float("nan")

    def to_frame(self, *, level: float = 0.95, n_resamples: int = 1000, random_state: RandomState = 0) -> Frame:
        """One row a metric: metric, value, low, high, n_users.

        Parameters
        ----------
        level : float
            How sure the interval is meant to be.
        n_resamples : int
        random_state : int, Generator or None

        Returns
        -------
        frame
            `value` is the mean over `n_users`, those of whom the metric says something. `low` and `high` are a
            percentile bootstrap interval of it (Efron 1979, "Bootstrap methods: another look at the jackknife"); NaN
            for the coverage, which is of all pages together.
        """
        check_parameters(
            "to_frame",
            {"level": level, "n_resamples": n_resamples},
            {"level": Float(0, 1, open_low=True), "n_resamples": Int(1)},
        )
        rng = generator(random_state)
        rows: dict[str, list[Any]] = {name: [] for name in ("metric", "value", "low", "high", "n_users")}
        for name in (*self.values, "coverage"):
            values = self.values.get(name, np.empty(0))
            values = values[~np.isnan(values)]
            low, high = mean_interval(values, level, n_resamples, rng) if values.size else (np.nan, np.nan)
            n_users = len(self.ids) if name == "coverage" else values.size
            for column, value in zip(rows.values(), (name, self[name], low, high, n_users), strict=True):
                column.append(value)
        return make_frame(rows, self.kind)

    def __repr__(self) -> str:
        told = f"; {self.n_dropped} users had nothing left to be found and were dropped" if self.n_dropped else ""
        return f"PageReport of {len(self.ids)} pages{told}\n{self.to_frame()}"


def evaluate(  # noqa: PLR0913  keyword-only, each with a default
    composer: Composer,
    held_out: Any,  # noqa: ANN401  whatever `fit` takes
    users: Iterable[Id] | None = None,
    at: Any = None,  # noqa: ANN401  see `moment`
    *,
    visitors: Mapping[Id, Visitor] | None = None,
    rows: int | None = None,
    columns: int | None = None,
    attribute: str | None = None,
    new_only: bool = True,
) -> PageReport:
    r"""Measure the pages of people of whom it is known what they had afterwards.

    With H the items a user had afterwards, :math:`i_{rc}` the item in row r and column c, from 0, and B the first m
    rows and n columns:

    - `recall` :math:`|H \cap B| / |H|`, and `hit_rate`, 1 where one of H is in B, else 0;
    - `expected_clicks` :math:`\sum_{rc} \gamma_\downarrow^r \gamma_\rightarrow^c [i_{rc} \in H]` over the whole page,
      with the layout's `patience_down` and `patience_right`; an item that stands twice counts where it is looked at
      more;
    - `rows`, `slots`, and `duplicates`: slots less distinct items;
    - `sponsored_share` of the slots, and `sponsored_gap`, the fewest other slots between two sponsored ones in a row,
      rows of the kind "sponsored" apart;
    - `calibration` :math:`\sum_v p_v \log_2 \frac{p_v}{0.99 q_v + 0.01 p_v}` with p and q the shares of the values of
      an attribute in what the user had before and on the page, each item shared among its values (Steck 2018,
      "Calibrated recommendations", equations 5 and 6, in bits);
    - `coverage`, the share of all items that stand on somebody's page.

    Items that the model does not know cannot be found, and count as missed.

    Parameters
    ----------
    composer : Composer
    held_out : frame, Interactions or whatever `fit` takes
        Who had what after `at`.
    users : iterable of ids, optional
        By default all of `held_out`.
    at : datetime, date, str or number, optional
        The moment of the pages, as in `Composer.compose`.
    visitors : dict from user to Visitor, optional
    rows, columns : int, optional
        m and n; by default those of the layout.
    attribute : str, optional
        A column of the items; without it there is no calibration.
    new_only : bool
        Whether what a user had before is left out of H. Say False for what is bought again.

    Raises
    ------
    DataError
        Nobody has anything left to be found.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste import pages
    >>> albums = ft.Interactions.from_frame(ft.datasets.albums())
    >>> fold = next(ft.model_selection.UserHoldout(0.25, random_state=0).folds(albums))
    >>> layout = pages.Layout(row=(pages.Top(min_items=1),), columns=2)
    >>> report = pages.evaluate(pages.Composer(ft.Popularity().fit(fold.train), fold.train, layout), fold.test)
    >>> report["hit_rate"], report["duplicates"]
    (1.0, 0.0)
    """
    layout = composer.layout
    block = (layout.rows if rows is None else rows, layout.columns if columns is None else columns)
    check_parameters("evaluate", {"rows": block[0], "columns": block[1]}, {"rows": Int(1), "columns": Int(1)})
    asked = _asked(composer, as_events(held_out), users, at, visitors or {}, new_only=new_only)
    measured: dict[str, list[float]] = {name: [] for name in METRICS if attribute or name != "calibration"}
    shown: set[Id] = set()
    with progress("Composing", len(asked.wanted)) as advance:
        for user, wanted in asked.wanted.items():
            visit = composer.visit(user, at, (visitors or {}).get(user))
            page = composer.page_of(visit)
            figures = _measured(page, wanted, block, (layout.patience_down, layout.patience_right))
            if attribute:
                figures["calibration"] = _calibration(page, visit, attribute)
            for name, values in measured.items():
                values.append(figures[name])
            shown.update(slot.item for row in page for slot in row)
            advance("")
    found = {name: np.array(values) for name, values in measured.items()}
    n_items = composer.stage.n_items
    return PageReport(found, len(shown) / n_items, list(asked.wanted), asked.n_dropped, composer.stage.model.kind_)


def cost_of_rules(
    composer: Composer,
    held_out: Any,  # noqa: ANN401  whatever `fit` takes
    users: Iterable[Id] | None = None,
    at: Any = None,  # noqa: ANN401  see `moment`
    *,
    metrics: Sequence[str] = ("expected_clicks", "recall", "sponsored_share"),
    **options: Any,  # noqa: ANN401  those of `evaluate`
) -> Frame:
    r"""What each rule does to the pages: composed with it and without, for the same people at the same moment.

    .. math:: \bar d = \frac1n \sum_u (x_u - x'_u), \qquad
        \mathrm{se} = \sqrt{\frac{\sum_u (x_u - x'_u - \bar d)^2}{n (n - 1)}}

    with x a metric with the rule, x' without it. Besides the whole rule its boost, its cap and its pin are taken away
    by themselves, where the rule has more than that.

    Parameters
    ----------
    composer, held_out, users, at
        As in `evaluate`.
    metrics : sequence of str
        Of those that `evaluate` has for each page.
    **options
        Further ones of `evaluate`.

    Returns
    -------
    frame with columns rule, part, metric, with, without, difference, standard_error, n_users

    Raises
    ------
    InvalidParameterError
        The layout has no rules, or a metric is unknown.
    """
    rules = composer.layout.rule
    if not rules:
        message = "the layout has no rules whose cost could be told."
        raise InvalidParameterError(message)
    with_all = evaluate(composer, held_out, users, at, **options)
    missing = [name for name in metrics if name not in with_all.values]
    if missing:
        message = f"the metric {missing[0]!r} is not one of a page: {', '.join(with_all.values)}."
        raise InvalidParameterError(message)
    columns = ("rule", "part", "metric", "with", "without", "difference", "standard_error", "n_users")
    found: dict[str, list[Any]] = {name: [] for name in columns}
    for place, rule in enumerate(rules):
        for part, rest in _less(rule):
            others = [*rules[:place], *rest, *rules[place + 1 :]]
            without = evaluate(composer.with_rules(others), held_out, users, at, **options)
            for metric in metrics:
                pair = np.array([with_all.values[metric], without.values[metric]])
                pair = pair[:, ~np.isnan(pair).any(axis=0)]
                difference, n_users = pair[0] - pair[1], pair.shape[1]
                error = difference.std(ddof=1) / np.sqrt(n_users) if n_users > 1 else np.nan
                means = (float(values.mean()) if n_users else np.nan for values in (*pair, difference))
                for column, value in zip(
                    found.values(), (rule.name, part, metric, *means, float(error), n_users), strict=True
                ):
                    column.append(value)
    return make_frame(found, composer.stage.model.kind_)


def _less(rule: Rule) -> list[tuple[str, list[Rule]]]:
    """The rule taken away, and each of its parts that can be taken away by itself."""
    parts = {
        "boost": replace(rule, boost=1.0),
        "cap": replace(rule, cap=None),
        "pin": replace(rule, pin=None),
    }
    does = [name for name, less in parts.items() if less != rule]
    does += [name for name in ("hide", "sponsored") if getattr(rule, name)]
    return [("all", []), *((name, [less]) for name, less in parts.items() if less != rule and len(does) > 1)]


# Inside --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Asked:
    """Users, what they had afterwards, and how many had nothing."""

    wanted: dict[Id, set[Id]]
    n_dropped: int


def _asked(
    composer: Composer,
    held_out: Interactions,
    users: Iterable[Id] | None,
    at: Any,  # noqa: ANN401
    visitors: Mapping[Id, Visitor],
    *,
    new_only: bool,
) -> _Asked:
    asked = list(held_out.users if users is None else dict.fromkeys(users))
    afterwards = _by_user(held_out)
    wanted: dict[Id, set[Id]] = {}
    for user in asked:
        items = afterwards.get(user, set())
        if new_only and items:
            before = composer.visit(user, at, visitors.get(user)).events[0]
            items = items - set(_items(composer).decode(np.unique(before)))
        if items:
            wanted[user] = items
    if not wanted:
        message = (
            "nothing is held out that the users asked for did not have before. Hint: events after `at`, of these users."
        )
        raise DataError(message)
    return _Asked(wanted, len(asked) - len(wanted))


def _by_user(events: Interactions) -> dict[Id, set[Id]]:
    users, items = events.users.decode(events.user_codes), events.items.decode(events.item_codes)
    found: dict[Id, set[Id]] = {}
    for user, item in zip(users, items, strict=True):
        found.setdefault(user, set()).add(item)
    return found


def _items(composer: Composer) -> Vocabulary:
    return composer.stage.model.item_vocabulary_


def _measured(page: Page, wanted: set[Id], block: tuple[int, int], patience: tuple[float, float]) -> dict[str, float]:
    """Everything but the calibration, of one page."""
    slots = [slot for row in page for slot in row]
    near = {slot.item for row in page.rows[: block[0]] for slot in row.slots[: block[1]]}
    looks: dict[Id, float] = {}
    gaps: list[int] = []
    for r, row in enumerate(page):
        for c, slot in enumerate(row):
            if slot.item in wanted:
                looks[slot.item] = max(looks.get(slot.item, 0.0), patience[0] ** r * patience[1] ** c)
        if row.kind != "sponsored":
            gaps += [there - here - 1 for here, there in pairwise(c for c, slot in enumerate(row) if slot.sponsored)]
    return {
        "recall": len(near & wanted) / len(wanted),
        "hit_rate": float(bool(near & wanted)),
        "expected_clicks": sum(looks.values()),
        "rows": float(len(page)),
        "slots": float(len(slots)),
        "duplicates": float(len(slots) - len({slot.item for slot in slots})),
        "sponsored_share": sum(slot.sponsored for slot in slots) / len(slots) if slots else float("nan"),
        "sponsored_gap": float(min(gaps)) if gaps else float("nan"),
    }


def _calibration(page: Page, visit: Visit, attribute: str) -> float:
    """How far the values on a page are from those of the history, in bits; NaN where either has none."""
    stage = visit.stage
    rows = stage.catalogue.attribute(attribute).of_items
    items = stage.item_codes(slot.item for row in page for slot in row)
    own, listed = (_mix(rows.indptr, rows.indices, codes) for codes in (np.unique(visit.events[0]), items))
    if not own or not listed:
        return float("nan")
    mixed = {value: (1 - _STECK_ALPHA) * listed.get(value, 0.0) + _STECK_ALPHA * share for value, share in own.items()}
    return float(sum(share * np.log2(share / mixed[value]) for value, share in own.items()))


def _mix(indptr: Any, indices: Any, items: Any) -> dict[int, float]:  # noqa: ANN401  arrays
    """The share of each value among some items; nothing where they have none."""
    total: dict[int, float] = {}
    counted = 0
    for item in items:
        values = indices[indptr[item] : indptr[item + 1]].tolist()
        counted += bool(values)
        for value in values:
            total[value] = total.get(value, 0.0) + 1 / len(values)
    return {value: share / counted for value, share in total.items()}
