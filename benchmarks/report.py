"""Results as JSON and as a page of Markdown tables."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.row import Above, AtLeast, AtMost, Faster, NoWorse, Same, Target
from benchmarks.runner import Outcome, Result

_LIBRARIES = (
    "foretaste",
    "numpy",
    "numba",
    "scipy",
    "polars",
    "scikit-surprise",
    "cornac",
    "cmfrec",
    "implicit",
    "lightfm-next",
    "myfm",
)
# Differences of RMSE up to this count as none.
_NOISE = 0.001
_COUNTS = {"epochs", "compiler", "users a second", "peak MB"}
_ACCURACIES = {
    *("rmse", "rmse standard error", "mae", "covered", "agreement", "ndcg@10", "recall@10", "recall@20"),
    *("unlike, factors", "unlike, genres", "calibration", "hit rate", "precision", "slots"),
    *("MB", "far, events", "far, genres", "recall", "candidate rows", "rows", "users", "customers"),
    *(f"{metric}, {blend}" for metric in ("recall", "hit_rate") for blend in ("predicted", "given", "learned")),
}


class Verdict(NamedTuple):
    """A target, what was measured, and whether it holds."""

    target: str
    measured: str
    holds: bool


def machine() -> dict[str, Any]:
    """The machine and the versions, without anything that names it."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _LIBRARIES},
    }


def as_json(outcomes: Sequence[Outcome], here: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Everything measured, every single run included."""
    rows = {
        outcome.row.name: {
            "title": outcome.row.title,
            "about": outcome.row.about,
            "timed": outcome.row.timed,
            "contestants": {r.contestant.name: {"first": r.first, "runs": r.runs} for r in outcome.results},
            "absent": outcome.absent,
            "targets": [verdict._asdict() for verdict in verdicts(outcome)],
        }
        for outcome in outcomes
    }
    return {"machine": here, "repeats": repeats, "rows": rows}


def as_markdown(outcomes: Sequence[Outcome], here: dict[str, Any], repeats: int) -> str:
    """Targets first, then a table a row."""
    versions = ", ".join(f"{name} {number}" for name, number in here["versions"].items() if number)
    where = f"{here['processor']}, {here['cores']} cores, {here['system']}, Python {here['python']}; {versions}."
    lines = [
        f"{where} Timed runs a contestant: {repeats}.",
        "",
        *_table(
            ("row", "target", "measured", "holds"),
            [(o.row.name, v.target, v.measured, "yes" if v.holds else "**no**") for o in outcomes for v in verdicts(o)],
        ),
    ]
    for outcome in outcomes:
        row = outcome.row
        runs = f" Timed runs: {row.most_runs}." if row.most_runs is not None and row.most_runs < repeats else ""
        lines += ["", f"### {row.name}", "", f"{row.title}. {row.about}{runs}", ""]
        lines += _figures_table(outcome)
        lines += [f"\n{name} did not take part: {reason}." for name, reason in outcome.absent.items()]
    return "\n".join(lines) + "\n"


def summary_lines(outcome: Outcome) -> list[str]:
    """A line a contestant and a target, for the one who waits."""
    row = outcome.row
    lines = [f"  {r.contestant.name}: {_spread(r, row.timed)} s" for r in outcome.results]
    return lines + [f"  {'holds' if v.holds else 'FALLS SHORT'}: {v.target}: {v.measured}" for v in verdicts(outcome)]


def verdicts(outcome: Outcome) -> list[Verdict]:
    """Every target of a row that can be judged: one against an absent contestant cannot."""
    if not outcome.results:
        return []
    present = {result.contestant.name for result in outcome.results}
    judged = []
    for target in outcome.row.targets:
        other = getattr(target, "than", getattr(target, "other", None))
        if other is None or other in present:
            judged.append(_judge(target, outcome))
    return judged


def _judge(target: Target, outcome: Outcome) -> Verdict:
    ours = outcome.results[0]
    by_name = {result.contestant.name: result for result in outcome.results}
    match target:
        case Faster(than, times, figure):
            figure = figure or outcome.row.timed
            ratio, pairs = _ratio(ours, by_name[than], figure)
            measured = f"{ratio:.2f}x (pair by pair {pairs[1]:.2f}, {pairs[0]:.2f} to {pairs[2]:.2f})"
            return Verdict(f"{times:g}x as fast as {than}, {figure}", measured, ratio >= times)
        case AtMost(figure, bound):
            figure, _, name = figure.partition(": ")
            value = _median(by_name[name] if name else ours, figure)
            return Verdict(f"{figure}{' of ' + name if name else ''} at most {bound:g}", f"{value:.4g}", value <= bound)
        case AtLeast(figure, bound):
            value = _median(ours, figure)
            return Verdict(f"{figure} at least {bound:g}", f"{value:.4g}", value >= bound)
        case NoWorse(figure, than):
            figure, _, name = figure.partition(": ")
            mine, theirs = _median(by_name[name] if name else ours, figure), _median(by_name[than], figure)
            target = f"{figure}{' of ' + name if name else ''} within {_NOISE:g} of {than}, or better"
            return Verdict(target, f"{mine:.4f}, {theirs:.4f}", mine <= theirs + _NOISE)
        case Above(figure, than):
            mine, theirs = _median(ours, figure), _median(by_name[than], figure)
            return Verdict(f"{figure} above that of {than}", f"{mine:.4f}, {theirs:.4f}", mine > theirs)
        case Same(figure, other):
            seen = {run[figure] for result in (ours, by_name[other]) for run in result.runs}
            return Verdict(f"{figure}: equal to {other}", " and ".join(sorted(seen)), len(seen) == 1)


def _figures_table(outcome: Outcome) -> list[str]:
    """A line a contestant: median (lowest to highest) of each figure; the ratio is its time over the first's."""
    row = outcome.row
    header = ("", f"{row.timed}, s", *["ratio"] * row.rivals, *map(_head, row.shown), "warm-up, s", "peak, MB")
    lines = []
    for result in outcome.results:
        ratio = [f"{_ratio(outcome.results[0], result, row.timed)[0]:.2f}"] * row.rivals
        shown = (_spread(result, figure) for figure in row.shown)
        peak = max(run["peak MB"] for run in result.runs)
        first = _number("call", result.first["call"])
        lines.append((result.contestant.name, _spread(result, row.timed), *ratio, *shown, first, f"{peak:.0f}"))
    return _table(header, lines)


def _head(figure: str) -> str:
    return figure if figure in _COUNTS | _ACCURACIES | {"learned"} else f"{figure}, s"


def _spread(result: Result, figure: str) -> str:
    values = [run[figure] for run in result.runs if figure in run]
    if not values:
        return ""
    if isinstance(values[0], str):
        return " ".join(sorted(set(values)))
    low, middle, high = (_number(figure, pick(values)) for pick in (min, statistics.median, max))
    return middle if low == high else f"{middle} ({low} to {high})"


def _number(figure: str, value: float) -> str:
    if figure in _COUNTS:
        return f"{value:,.0f}"
    if figure in _ACCURACIES:
        return f"{value:.4f}"
    return f"{value:.3f}" if value >= 0.02 else f"{value:.5f}"


def _median(result: Result, figure: str) -> float:
    return statistics.median(run[figure] for run in result.runs)


def _ratio(ours: Result, other: Result, figure: str) -> tuple[float, tuple[float, float, float]]:
    """How many times as fast we are: of the medians, and (lowest, median, highest) of the runs side by side."""
    pairs = [theirs[figure] / mine[figure] for mine, theirs in zip(ours.runs, other.runs, strict=True)]
    return _median(other, figure) / _median(ours, figure), (min(pairs), statistics.median(pairs), max(pairs))


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---"] * len(header)
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *lines)]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Maker and model where the system tells."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
