"""`Reader`: what a line of a file of ratings means."""

from __future__ import annotations

from foretaste.surprise.builtin_datasets import BUILTIN_DATASETS


class Reader:
    """How the lines of a file are to be read, and between which numbers ratings lie.

    Parameters
    ----------
    name : {"ml-100k", "ml-1m", "jester"}, optional
        The reader of a known data set; the other parameters are then ignored.
    line_format : str
        The fields in their order, separated by spaces: user, item, rating and, if there is one, timestamp.
    sep : str, optional
        What stands between two fields; white space, if not given.
    rating_scale : (lowest, highest)
    skip_lines : int
        How many lines to leave out at the beginning.

    Attributes
    ----------
    indexes : list of int
        Where user, item, rating (and timestamp) stand in a line.
    with_timestamp : bool

    Examples
    --------
    >>> from foretaste.surprise import Reader
    >>> Reader(line_format="item user rating", sep=";").parse_line("bts; diego; 4.5")
    ('diego', 'bts', 4.5, None)
    """

    def __init__(
        self,
        name: str | None = None,
        line_format: str = "user item rating",
        sep: str | None = None,
        rating_scale: tuple[float, float] = (1, 5),
        skip_lines: int = 0,
    ) -> None:
        if name:
            if name not in BUILTIN_DATASETS:
                message = f"unknown reader {name!r}; there are {', '.join(BUILTIN_DATASETS)}."
                raise ValueError(message)
            self.__init__(**BUILTIN_DATASETS[name].reader_params)  # type: ignore[misc]
            return
        self.sep = sep
        self.skip_lines = skip_lines
        _lowest, _highest = rating_scale  # anything but a pair is found out here
        self.rating_scale = rating_scale
        fields = line_format.split()
        self.with_timestamp = "timestamp" in fields
        wanted = ["user", "item", "rating", *(["timestamp"] if self.with_timestamp else [])]
        if set(fields) != set(wanted):
            message = (
                f"line_format must name user, item, rating and, where there is one, timestamp, got {line_format!r}."
            )
            raise ValueError(message)
        self.indexes = [fields.index(field) for field in wanted]

    def parse_line(self, line: str) -> tuple[str, str, float, str | None]:
        """User, item, rating and timestamp (None without one) of a line.

        Raises
        ------
        ValueError
            The line has too few fields, or the rating is no number.
        """
        fields = line.split(self.sep)
        try:
            user, item, rating, *timestamp = [fields[place].strip() for place in self.indexes]
        except IndexError as error:
            message = (
                f"the line {line!r} has {len(fields)} fields, too few for its line_format. "
                f"Hint: look at line_format and sep ({self.sep!r})."
            )
            raise ValueError(message) from error
        return user, item, float(rating), timestamp[0] if timestamp else None
