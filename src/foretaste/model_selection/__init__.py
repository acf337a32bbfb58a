"""Which model is better, and how sure that is."""

from foretaste.model_selection.validation import Comparison, Fold, compare

__all__ = ["Comparison", "Fold", "compare"]
