"""What foretaste.surprise does in each row."""

from __future__ import annotations

from typing import Any

from benchmarks.contestants import programs
from benchmarks.data import Split
from foretaste import surprise


def ratings(split: Split, algorithm: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  the algorithm's own
    """The same program as Surprise's contestant."""
    return programs.run(surprise, split, algorithm, parameters)
