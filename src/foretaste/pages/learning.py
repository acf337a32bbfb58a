"""Weights of signals learned from what people had afterwards, and blends compared on other people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from foretaste._typing import Codes, Float64, Frame, Id, RandomState
from foretaste.data.coerce import as_events
from foretaste.data.frames import make_frame
from foretaste.data.interactions import Interactions
from foretaste.exceptions import DataError
from foretaste.pages.blend import SIGNALS, Blend
from foretaste.pages.composer import Composer
from foretaste.pages.visit import Visit, best
from foretaste.pages.words import check_word
from foretaste.utils.progress import progress
from foretaste.utils.random import generator
from foretaste.utils.resampling import mean_interval
from foretaste.utils.validation import Float, Int, check_parameters

# A weight of a millionth of the largest moves nothing.
_NOTHING = 1e-6


def learned_weights(
    composer: Composer,
    held_out: Any,  # noqa: ANN401
    signals: Sequence[str],
    users: Iterable[Id] | None,
    at: Any,  # noqa: ANN401
    n_others: int,
    reg: float,
    random_state: RandomState,
) -> dict[str, float]:
    """What `Blend.learned` describes."""
    check_parameters(
        "Blend.learned",
        {"n_others": n_others, "reg": reg},
        {"n_others": Int(1), "reg": Float(0, open_low=True)},
    )
    for name in signals:
        check_word(name, SIGNALS, "the signal")
    rng = generator(random_state)
    rows: list[Float64] = []
    labels: list[Float64] = []
    shares: list[Float64] = []
    n_positives = 0
    for visit, wanted, _ in _visits(composer, as_events(held_out), users, at):
        n_positives += wanted.size
        others = np.flatnonzero(visit.eligible & ~visit.seen)
        others = np.setdiff1d(others, wanted, assume_unique=True)
        if not wanted.size or not others.size:
            continue
        drawn = rng.choice(others, min(n_others, others.size), replace=False)
        items = np.concatenate([wanted, drawn])
        rows.append(np.column_stack([visit.signal(name)[items] for name in signals]).astype(np.float64))
        labels.append(np.repeat([1.0, 0.0], [wanted.size, drawn.size]))
        shares.append(np.full(items.size, 1 / items.size))
    if not n_positives:
        message = (
            "nothing that is held out could have been shown at the moment, so that there is nothing to learn from."
        )
        raise DataError(message)
    if not rows:
        message = "everything that could be shown is held out, so that nothing tells what is had from what is not."
        raise DataError(message)
    return _weights(signals, np.concatenate(rows), np.concatenate(labels), np.concatenate(shares), reg)


def _weights(signals: Sequence[str], rows: Float64, labels: Float64, shares: Float64, reg: float) -> dict[str, float]:
    """The logistic regression on standardised signals, its weights as of the signals themselves."""
    means = np.average(rows, axis=0, weights=shares)
    scales = np.sqrt(np.average((rows - means) ** 2, axis=0, weights=shares))
    telling = scales > 1e-9  # noqa: PLR2004  a signal that is the same everywhere says nothing
    if not telling.any():
        message = f"the signals {', '.join(signals)} are the same for all items. Hint: others, or an earlier moment."
        raise DataError(message)
    standard = (rows[:, telling] - means[telling]) / scales[telling]
    learner = LogisticRegression(C=1 / reg, max_iter=1000).fit(standard, labels, sample_weight=shares)
    weights = learner.coef_[0] / scales[telling]
    largest = float(np.abs(weights).max())
    names = [name for name, tells in zip(signals, telling, strict=True) if tells]
    return {
        name: float(weight) / largest
        for name, weight in zip(names, weights, strict=True)
        if largest and abs(weight) > _NOTHING * largest
    }


def compare_blends(  # noqa: PLR0913  keyword-only, each with a default
    composer: Composer,
    held_out: Any,  # noqa: ANN401  whatever `fit` takes
    blends: Mapping[str, Blend],
    users: Iterable[Id] | None = None,
    at: Any = None,  # noqa: ANN401  see `moment`
    *,
    n: int = 20,
    level: float = 0.95,
    n_resamples: int = 1000,
    random_state: RandomState = 0,
) -> Frame:
    """Lists of the same length by several blends, beside what people had afterwards.

    A list is the best n by a blend, times the boosts of rules, of what may be shown and the user has not had. What a
    user had before is not to be found. Users of whom a blend was learned should not be among those it is measured on.

    Parameters
    ----------
    composer : Composer
    held_out : frame, Interactions or whatever `fit` takes
        Who had what after `at`.
    blends : dict from name to Blend
    users : iterable of ids, optional
        By default all who have something held out.
    at : datetime, date, str or number, optional
        As in `Composer.compose`.
    n : int
        Items in a list.
    level : float
        Of the intervals.
    n_resamples : int
    random_state : int, Generator or None

    Returns
    -------
    frame with columns blend, metric, value, low, high, n_users
        `recall`, the share of a user's held-out items that are in the list, and `hit_rate`, the share of users with
        one there; with percentile bootstrap intervals.

    Raises
    ------
    DataError
        Nobody has anything left to be found.
    """
    check_parameters("compare_blends", {"n": n, "level": level}, {"n": Int(1), "level": Float(0, 1, open_low=True)})
    found: dict[str, list[float]] = {name: [] for name in blends}
    for visit, wanted, n_new in _visits(composer, as_events(held_out), users, at):
        allowed = visit.eligible & ~visit.seen
        for name, blend in blends.items():
            found[name].append(float(np.isin(wanted, best(visit.blended(blend), allowed, n)).sum()) / n_new)
    rng = generator(random_state)
    rows: dict[str, list[Any]] = {name: [] for name in ("blend", "metric", "value", "low", "high", "n_users")}
    for name, shares in found.items():
        recall = np.array(shares)
        for metric, values in (("recall", recall), ("hit_rate", (recall > 0).astype(np.float64))):
            low, high = mean_interval(values, level, n_resamples, rng)
            for column, value in zip(
                rows.values(), (name, metric, float(values.mean()), low, high, values.size), strict=True
            ):
                column.append(value)
    return make_frame(rows, composer.stage.model.kind_)


def _visits(
    composer: Composer,
    held_out: Interactions,
    users: Iterable[Id] | None,
    at: Any,  # noqa: ANN401
) -> Iterator[tuple[Visit, Codes, int]]:
    """Each user who has something new held out, the codes of what could have been shown of it, and how much it is.

    Raises
    ------
    DataError
        Nobody has.
    """
    asked = list(held_out.users if users is None else dict.fromkeys(users))
    codes = composer.stage.model.item_vocabulary_.encode(held_out.items.ids)
    order = np.argsort(held_out.user_codes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(held_out.user_codes, minlength=held_out.n_users))])
    n_found = 0
    with progress("Looking at users", len(asked)) as advance:
        for user, code in zip(asked, held_out.users.encode(asked).tolist(), strict=True):
            visit = composer.visit(user, at)
            own = order[starts[code] : starts[code + 1]] if code >= 0 else order[:0]
            items = codes[np.unique(held_out.item_codes[own])]
            known = np.sort(items[items >= 0])
            known = known[~visit.seen[known]]
            n_new = known.size + np.count_nonzero(items < 0)
            if n_new:
                n_found += 1
                yield visit, known[visit.eligible[known]], int(n_new)
            advance("")
    if not n_found:
        message = (
            "nothing is held out that the users asked for did not have before. Hint: events after `at`, of these users."
        )
        raise DataError(message)
