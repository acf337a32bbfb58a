"""Data in: files, frames, arrays and dictionaries become `Interactions`; known sets and made-up ones."""

from foretaste.data import datasets, synthetic
from foretaste.data.features import ItemFeatures, UserFeatures
from foretaste.data.interactions import Interactions
from foretaste.data.readers import read_interactions
from foretaste.data.vocabulary import Vocabulary

__all__ = [
    "Interactions",
    "ItemFeatures",
    "UserFeatures",
    "Vocabulary",
    "datasets",
    "read_interactions",
    "synthetic",
]
