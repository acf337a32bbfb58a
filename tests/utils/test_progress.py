import io

import pytest
from rich.console import Console

from foretaste.utils import progress as module
from foretaste.utils.progress import progress


def terminal(monkeypatch, *, is_one):
    """What is written to a stderr that is a terminal, or is none."""
    written = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda **_: Console(file=written, force_terminal=is_one, width=90))
    return written


def test_in_a_pipe_there_is_silence(monkeypatch, capsys):
    written = terminal(monkeypatch, is_one=False)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", -1.0)
    with progress("Fitting", 3) as advance:
        for step in range(3):
            advance(f"step {step}")
    assert written.getvalue() == ""
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_long_work_shows_how_far_it_is(monkeypatch):
    written = terminal(monkeypatch, is_one=True)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", -1.0)
    with progress("Fitting", 2) as advance:
        advance("train RMSE 1.5")
        advance("train RMSE 0.9")
    assert "Fitting" in written.getvalue()
    assert "train RMSE 0.9" in written.getvalue()


def test_on_a_terminal_short_work_shows_nothing(monkeypatch):
    written = terminal(monkeypatch, is_one=True)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 60.0)
    with progress("Fitting", 2) as advance:
        advance("one")
        advance("two")
    assert "Fitting" not in written.getvalue()


def test_the_bar_goes_when_the_work_fails(monkeypatch):
    terminal(monkeypatch, is_one=True)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", -1.0)
    with pytest.raises(ZeroDivisionError), progress("Fitting", 2) as advance:
        advance(f"{1 / 0}")
    with progress("Again", 1) as advance:  # rich allows one live display at a time
        advance("one")


def test_for_steps_of_minutes_the_bar_is_there_at_once(monkeypatch):
    written = terminal(monkeypatch, is_one=True)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 60.0)
    with progress("Placing", 2, at_once=True) as advance:
        advance("one")
    assert "Placing" in written.getvalue()
