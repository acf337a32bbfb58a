"""`foretaste data`: fetch or read a set of ratings and describe it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import polars as pl

from foretaste.cli import _output
from foretaste.cli._source import is_known, read_source, source_options
from foretaste.data import datasets


@click.command()
@source_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the rows to a file (CSV, JSON or Parquet)."
)
def data(source: str, output: Path | None, **options: Any) -> None:  # noqa: ANN401  those of `source_options`
    """Describe SOURCE: a file, or a known set (fetched if need be).

    Known sets: ml-100k, ml-1m, ml-latest-small, movietweetings-100k, lastfm-2k, online-retail. They are looked for in
    $FORETASTE_DATA first.
    """
    interactions = read_source(source, **options)
    figures = interactions.describe()
    console = _output.console()
    console.print(
        _output.table(pl.DataFrame({"": list(figures), source: [_words(value) for value in figures.values()]}))
    )
    if is_known(source):
        known = datasets.KNOWN[source]
        console.print(f"{known.title}. {known.licence} {known.page}", markup=False)
    if output is not None:
        _output.write(interactions.to_frame(), None, output)


def _words(value: Any) -> str:  # noqa: ANN401  a figure
    if isinstance(value, tuple):
        return ", ".join(_words(part) for part in value)
    if isinstance(value, float):
        return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"  # noqa: PLR2004  whole numbers from there on
    return f"{value:,}" if isinstance(value, int) else str(value)
