"""What a comparison is made of: contestants, figures and targets.

Only the standard library is imported here and in `benchmarks.rows`: the process that reads the rows shares its memory
figure with nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Contestant:
    """One who takes part in a row.

    Attributes
    ----------
    name : str
        As the table shows it.
    function : str
        "module.function" under `benchmarks.contestants`; called with the row's data and `options`, it returns figures
        by name: seconds, accuracies, counts.
    options : mapping
    threads : int
        For BLAS and OpenMP; foretaste's own are an option of the contestant.
    """

    name: str
    function: str
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1


@dataclass(frozen=True)
class Faster:
    """The first contestant should be so many times as fast as another, in the row's timed figure or the one named."""

    than: str
    times: float
    figure: str | None = None


@dataclass(frozen=True)
class AtMost:
    """The median of a figure of the first contestant (or of another: "figure: name") should not exceed a bound."""

    figure: str
    bound: float


@dataclass(frozen=True)
class AtLeast:
    """The median of a figure of the first contestant should reach a bound."""

    figure: str
    bound: float


@dataclass(frozen=True)
class NoWorse:
    """A figure, lower is better, of the first contestant (or of another: "figure: name") is hardly above another's.

    What counts as noise is in `benchmarks.report`.
    """

    figure: str
    than: str


@dataclass(frozen=True)
class Above:
    """A figure, higher is better, of the first contestant should be above another's."""

    figure: str
    than: str


@dataclass(frozen=True)
class Same:
    """A figure should be equal for two contestants, in every run."""

    figure: str
    other: str


Target = Faster | AtMost | AtLeast | NoWorse | Above | Same


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    name, title : str
    about : str
        Settings, and what is inside the clock and what is not.
    data : str or None
        Function of `benchmarks.data` that makes what the contestants are given; untimed.
    contestants : tuple of Contestant
        foretaste first.
    timed : str
        The figure in seconds that ratios are made of.
    shown : tuple of str
        Further figures in the table.
    targets : tuple
    rivals : bool
        Whether the contestants do the same work, so that a ratio of their times means something.
    by_default : bool
        Whether a run without names includes it.
    warm_up : str or None
        Function of `benchmarks.data` that makes a small part of the data for the run that counts for nothing; by
        default that run is like all others.
    most_runs : int or None
        Timed runs, where the slowest contestant takes minutes for one.
    """

    name: str
    title: str
    about: str
    data: str | None
    contestants: tuple[Contestant, ...]
    timed: str = "fit"
    shown: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    rivals: bool = True
    by_default: bool = True
    warm_up: str | None = None
    most_runs: int | None = None
