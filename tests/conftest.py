"""What tests of several folders share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

import browser
from foretaste.data import datasets

# The first call of a kernel compiles it, which no deadline foresees.
settings.register_profile("foretaste", deadline=None, max_examples=50)
settings.load_profile("foretaste")


@pytest.fixture
def data_folder(monkeypatch):
    """The folder with the archives of known sets, which the loaders then read from."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FORETASTE_DATA") or beside).resolve()
    monkeypatch.setenv("FORETASTE_DATA", str(folder))
    return folder


@pytest.fixture
def need_set(data_folder):
    """A function that skips the test where a known set is absent; in CI it fails instead."""

    def need(name):
        if not (data_folder / datasets.KNOWN[name].file).is_file():
            message = f"the set {name} is not in {data_folder}"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)

    return need


@pytest.fixture
def chromium(tmp_path):
    """A running headless browser; without one the test is skipped, unless FORETASTE_BROWSER names one."""
    program = browser.find()
    if program is None:
        pytest.skip("there is no Chromium on PATH; FORETASTE_BROWSER may name one, and then it has to be there")
    with browser.Browser(program, tmp_path) as running:
        yield running
