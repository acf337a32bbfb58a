"""`Rule`: what the owner of a page wants of some items, whoever looks; and what may be shown at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from foretaste._typing import Float32, Float64, Mask
from foretaste.exceptions import InvalidParameterError
from foretaste.pages.catalogue import Catalogue, expression
from foretaste.pages.words import duration
from foretaste.utils.validation import Constraint, Float, Int, OrNone, check_parameters

if TYPE_CHECKING:
    from foretaste.pages.visit import Visit


@dataclass(frozen=True, kw_only=True)
class Cap:
    """At most so many times in so long, for one user: ``Cap(per_user=3, per="1d")``."""

    per_user: int
    per: float | str = "1d"

    def __post_init__(self) -> None:
        if isinstance(self.per_user, bool) or not isinstance(self.per_user, int) or self.per_user < 1:
            message = f"'per_user' of a cap must be an int in [1, inf), got {self.per_user!r}."
            raise InvalidParameterError(message)
        duration(self.per, "'per' of a cap")

    @property
    def days(self) -> float:
        """The length of time, in days."""
        return duration(self.per, "'per' of a cap")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is to happen to the items an expression is true of.

    Parameters
    ----------
    name : str
        For reports and reasons.
    where : str
        See `Catalogue.matching`.
    boost : float
        Their score is multiplied by this: above 1 raises, below 1 lowers. Of a score below 0, which only a blend with
        weights below 0 gives, it is the other way round.
    hide : bool
        They are not shown.
    sponsored : bool
        Somebody pays for them: wherever the rule applies, the slot says so.
    max_share : float
        Of sponsored items: at most this share of a row's slots.
    spacing : int
        Of sponsored items: at least so many others between two of them.
    floor : float
        Of sponsored items: one whose `predicted` is lower is neither boosted nor called sponsored; it has to find its
        place like any other.
    cap : Cap, optional
        How often one user may be shown each of them as sponsored; from then on it is like any other item.
    pin : int, optional
        The best of them stands in this column, from 1, of the page's first row that is not exempt.
    """

    name: str
    where: str
    boost: float = 1.0
    hide: bool = False
    sponsored: bool = False
    max_share: float = 0.2
    spacing: int = 2
    floor: float = 0.3
    cap: Cap | None = None
    pin: int | None = None

    def __post_init__(self) -> None:
        constraints: dict[str, Constraint] = {
            "boost": Float(0),
            "max_share": Float(0, 1),
            "spacing": Int(0),
            "floor": Float(0, 1),
            "pin": OrNone(Int(1)),
        }
        check_parameters(f"rule {self.name!r}", {name: getattr(self, name) for name in constraints}, constraints)
        expression(self.where)

    def check(self, catalogue: Catalogue) -> None:
        """Raise `InvalidParameterError` where it asks for what the items do not have."""
        catalogue.matching(self.where)


@dataclass(frozen=True, eq=False)
class Campaigns:
    """The rules with the items they are about."""

    rules: tuple[Rule, ...]
    masks: tuple[Mask, ...] = field(repr=False)

    @classmethod
    def of(cls, rules: tuple[Rule, ...], catalogue: Catalogue) -> Campaigns:
        """Each rule's items, found once."""
        return cls(rules, tuple(catalogue.matching(rule.where) for rule in rules))

    def boosts(self, n_items: int) -> Float32:
        """What the rules that nobody pays for multiply each item's score by."""
        boosts = np.ones(n_items, np.float32)
        for rule, mask in zip(self.rules, self.masks, strict=True):
            if not rule.sponsored:
                boosts[mask] *= np.float32(rule.boost)
        return boosts


@dataclass(frozen=True, eq=False)
class Limits:
    """What the catalogue and the rules say of where items may be shown, read once for all visitors.

    Attributes
    ----------
    hidden : bool array of shape (n_items,)
        By a rule.
    absent : bool array of shape (n_items,)
        Out of stock.
    opens, closes : float64 arrays of shape (n_items,), or None
        The days from which and until which they are there; NaN where nothing is said, None where nowhere.
    ages : float64 array of shape (n_items,) or None
        How old one has to be.
    """

    hidden: Mask
    absent: Mask
    opens: Float64 | None
    closes: Float64 | None
    ages: Float64 | None

    @classmethod
    def of(cls, campaigns: Campaigns, catalogue: Catalogue) -> Limits:
        """From the columns `available`, `available_from`, `available_until` and `min_age`, as far as there are any."""
        hidden, columns = np.zeros(len(catalogue), np.bool_), catalogue.frame.columns
        for rule, mask in zip(campaigns.rules, campaigns.masks, strict=True):
            if rule.hide:
                hidden |= mask
        absent = catalogue.numbers("available") == 0 if "available" in columns else np.zeros_like(hidden)
        opens, closes = (
            catalogue.days(name) if name in columns else None for name in ("available_from", "available_until")
        )
        return cls(hidden, absent, opens, closes, catalogue.numbers("min_age") if "min_age" in columns else None)


def eligible(visit: Visit) -> Mask:
    """What may be shown to a visitor at all: the one place where that is said.

    Left out is what is out of stock (`available` is false), not there yet or no more (`available_from`,
    `available_until`), for older people (`min_age`, where the visitor's age is unknown or lower), hidden by a rule, and
    what the visitor has blocked. Columns that the catalogue does not have say nothing.
    """
    limits = visit.stage.limits
    allowed = mentionable(visit) & ~limits.absent
    if limits.opens is not None:
        allowed &= ~(limits.opens > visit.day)
    if limits.closes is not None:
        allowed &= ~(limits.closes <= visit.day)
    return allowed


def mentionable(visit: Visit) -> Mask:
    """What a title may name, though it may be out of stock: not for older people, not hidden, not blocked."""
    limits, visitor = visit.stage.limits, visit.visitor
    left_out = limits.hidden.copy()
    if limits.ages is not None:
        left_out |= limits.ages > (visitor.age or 0)
    left_out[visit.stage.item_codes(visitor.blocked)] = True
    return ~left_out
