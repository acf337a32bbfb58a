"""Which model is better, and how sure that is."""

from foretaste.model_selection._spaces import default_space
from foretaste.model_selection.ranking import RankingReport, evaluate
from foretaste.model_selection.splits import (
    Fold,
    LeaveLastOut,
    NewItems,
    NewUsers,
    RandomHoldout,
    Splitter,
    TimeSplit,
    UserHoldout,
)
from foretaste.model_selection.tuning import Tuning, tune
from foretaste.model_selection.validation import Comparison, compare

__all__ = [
    "Comparison",
    "Fold",
    "LeaveLastOut",
    "NewItems",
    "NewUsers",
    "RandomHoldout",
    "RankingReport",
    "Splitter",
    "TimeSplit",
    "Tuning",
    "UserHoldout",
    "compare",
    "default_space",
    "evaluate",
    "tune",
]
