"""Pictures and a page of what a model has learned; the only part that knows matplotlib and jinja2 (extra `plot`)."""

from foretaste.plotting.figures import plot_history
from foretaste.plotting.map_page import write_map
from foretaste.plotting.maps import plot_map
from foretaste.plotting.named_axes import plot_axes
from foretaste.plotting.neighbors import plot_neighbors
from foretaste.plotting.report import (
    Neighbours,
    Newcomer,
    Person,
    Rated,
    Report,
    Suggestion,
    TruthCheck,
    write_report,
)
from foretaste.plotting.svg import to_svg

__all__ = [
    "Neighbours",
    "Newcomer",
    "Person",
    "Rated",
    "Report",
    "Suggestion",
    "TruthCheck",
    "plot_axes",
    "plot_history",
    "plot_map",
    "plot_neighbors",
    "to_svg",
    "write_map",
    "write_report",
]
