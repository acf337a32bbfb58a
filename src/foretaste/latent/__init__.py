"""What a model's factors mean: maps, named directions, neighbourhoods, and what retraining moved."""

from foretaste.latent._poles import Evidence, Pole
from foretaste.latent.axes import NamedAxes, axes
from foretaste.latent.item_map import ItemMap, map  # noqa: A004  latent.map is what one looks for

__all__ = ["Evidence", "ItemMap", "NamedAxes", "Pole", "axes", "map"]
