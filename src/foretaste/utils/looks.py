"""What all pages of foretaste have in common."""

from importlib.resources import files


def looks() -> str:
    """The style sheet that every page begins with: colours by day and dark, type, header and footer."""
    return (files("foretaste.utils") / "looks.css").read_text("utf-8")
