"""What a model's factors mean: maps, named directions, neighbourhoods, and what retraining moved."""

from foretaste.latent._poles import Evidence, Pole
from foretaste.latent.axes import NamedAxes, axes

__all__ = ["Evidence", "NamedAxes", "Pole", "axes"]
