"""What a model's factors mean: maps, named directions, neighbourhoods, and what retraining moved."""

from foretaste.latent.item_map import ItemMap, map  # noqa: A004  latent.map is what one looks for

__all__ = ["ItemMap", "map"]
