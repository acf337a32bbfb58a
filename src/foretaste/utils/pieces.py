"""Long columns a piece at a time."""

from collections.abc import Iterator

# Long enough that the pieces' number costs nothing, short enough for what is made of one to stay in the caches.
_LENGTH = 2**18


def pieces(length: int) -> Iterator[slice]:
    """Slices that cover 0..length: for steps whose intermediate results would take more memory than what they make."""
    return (slice(start, min(start + _LENGTH, length)) for start in range(0, length, _LENGTH))
