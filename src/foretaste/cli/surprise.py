"""`foretaste surprise`: the command line of Surprise, which stands with the rest of its interface."""

from foretaste.surprise.__main__ import command as surprise

__all__ = ["surprise"]
