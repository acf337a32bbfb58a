from pathlib import Path

import pytest

from foretaste.exceptions import DataWarning, ForetasteWarning
from foretaste.utils.warn import warn


def test_a_warning_points_at_the_line_outside_the_package():
    with pytest.warns(DataWarning, match="look here") as caught:
        warn("look here", DataWarning)
    assert caught[0].filename == __file__
    assert "warn(" in Path(__file__).read_text(encoding="utf-8").splitlines()[caught[0].lineno - 1]
    assert issubclass(caught[0].category, ForetasteWarning)


def test_a_deeper_call_points_there_too():
    def inner():
        warn("from inside", DataWarning)

    with pytest.warns(DataWarning) as caught:
        inner()
    assert caught[0].lineno == inner.__code__.co_firstlineno + 1
