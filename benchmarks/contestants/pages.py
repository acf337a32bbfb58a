"""What foretaste's pages do; beside `benchmarks.contestants.foretaste`, whose rows do not pay for their imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import foretaste as ft
from benchmarks.data import Array, Baskets
from benchmarks.measure import Stopwatch
from foretaste import pages
from foretaste.data.moments import SECONDS_A_DAY, moment
from foretaste.pages.visit import Visit


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
