"""foretaste."""
