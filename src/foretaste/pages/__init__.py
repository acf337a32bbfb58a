"""What people are shown: rows composed from signals, rules and a model, for one person at one moment."""

from foretaste.pages.blend import SIGNALS, Blend
from foretaste.pages.buy_again import BuyAgain
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.composer import Composer
from foretaste.pages.diversity import Diversity, Window
from foretaste.pages.evaluation import METRICS, PageReport, cost_of_rules, evaluate
from foretaste.pages.layout import Layout
from foretaste.pages.learning import compare_blends
from foretaste.pages.mix import Mix
from foretaste.pages.page import Page, Row, Slot
from foretaste.pages.repeats import RepeatPurchases
from foretaste.pages.rows import (
    Because,
    Category,
    Continue,
    Discover,
    New,
    Popular,
    RowKind,
    Sponsored,
    Top,
    Trending,
)
from foretaste.pages.rules import Cap, Rule
from foretaste.pages.stage import Settings
from foretaste.pages.visit import Visitor

__all__ = [
    "METRICS",
    "SIGNALS",
    "Because",
    "Blend",
    "BuyAgain",
    "Cap",
    "Catalogue",
    "Category",
    "Composer",
    "Continue",
    "Discover",
    "Diversity",
    "Layout",
    "Mix",
    "New",
    "Page",
    "PageReport",
    "Popular",
    "RepeatPurchases",
    "Row",
    "RowKind",
    "Rule",
    "Settings",
    "Slot",
    "Sponsored",
    "Top",
    "Trending",
    "Visitor",
    "Window",
    "compare_blends",
    "cost_of_rules",
    "evaluate",
]
