"""`Diversity`: how the items of a row are kept from being all alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32

if TYPE_CHECKING:
    from foretaste.pages.visit import Visit


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """Maximal marginal relevance."""

    method: str = "mmr"
    weight: float = 0.3
    by: str | None = None

    def order(self, visit: Visit, codes: Codes, scores: Float32, n: int) -> npt.NDArray[np.intp]:
        """The positions of the n candidates chosen, in order."""
        raise NotImplementedError
