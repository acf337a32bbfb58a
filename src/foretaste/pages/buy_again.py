"""`BuyAgain`: the row of what the visitor bought before and is likely to need again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from foretaste._typing import Mask
from foretaste.exceptions import InvalidParameterError
from foretaste.pages.blend import Blend
from foretaste.pages.rows import Draft, RowKind
from foretaste.pages.visit import Visit


@dataclass(frozen=True, kw_only=True)
class BuyAgain(RowKind):
    """What the visitor bought before and is likely to need again, the most likely first.

    An item comes into the row when `ripe` of its gaps would be over: a toothpaste that lasts two months is not there
    the day after it was bought, and is there two months later. What is probable is in `RepeatPurchases`; the events of
    the page are taken for purchases. "{days}" in a title is the horizon of the settings.

    Parameters
    ----------
    ripe : float
        The share of the gaps between two purchases, as they are expected of the visitor and the item, that would be
        over by now: from this on the item may be shown.
    floor : float
        What is less likely than this to be bought within the horizon is not shown.
    """

    ripe: float = 0.4
    floor: float = 0.02
    min_items: int = 2

    kind: ClassVar = "buy_again"
    heading: ClassVar = "Buy again"
    placeholders: ClassVar = ("days",)
    ordered_by: ClassVar = Blend(due=1)
    shows_seen: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("ripe", "floor"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
                message = f"{name!r} of a row of kind {self.kind!r} must be a number in [0, 1], got {value!r}."
                raise InvalidParameterError(message)

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        bought = visit.purchases
        elapsed = visit.stage.repeats(visit.day).elapsed(bought, visit.day)
        shown = (elapsed >= self.ripe) & (visit.due[bought.items] >= self.floor) & allowed[bought.items]
        days = f"{visit.stage.settings.days('repeat_horizon'):g}"
        yield self.draft(visit, bought.items[shown], evidence={"days": float(days)}, days=days)
