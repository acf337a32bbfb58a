import numpy as np
import pytest

from foretaste.utils import pieces as module
from foretaste.utils.pieces import pieces


@pytest.mark.parametrize("length", [0, 1, 6, 7, 8, 14, 20])
def test_pieces_cover_everything_once_and_in_order(length, monkeypatch):
    monkeypatch.setattr(module, "_LENGTH", 7)
    column = np.arange(length)
    cut = [column[piece] for piece in pieces(length)]
    assert [value for part in cut for value in part] == column.tolist()
    assert all(0 < part.size <= 7 for part in cut)
