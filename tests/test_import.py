"""`import foretaste` is fast, and everything it promises is there."""

import json
import subprocess
import sys

import pytest

import foretaste as ft

HEAVY = ("numba", "sklearn", "scipy", "polars", "pandas", "pyarrow", "numpy", "rich", "click", "matplotlib", "pooch")


def fresh(code):
    """What a new process prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_import_loads_nothing_heavy():
    loaded = json.loads(fresh("import json, sys, foretaste; print(json.dumps(sorted(sys.modules)))"))
    assert [name for name in HEAVY if name in loaded] == []


def test_import_is_fast():
    # generous, for a busy machine: what it guards against is a second or more
    code = "import time; t = time.perf_counter(); import foretaste; print(time.perf_counter() - t)"
    assert min(float(fresh(code)) for _ in range(3)) < 0.3


def test_reading_data_starts_no_compiler():
    code = "import sys, foretaste; foretaste.datasets.albums(); print('numba' in sys.modules)"
    assert fresh(code).strip() == "False"


@pytest.mark.parametrize("name", ft.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ft, name) is getattr(ft, name)
    assert name in dir(ft)


def test_the_names_are_sorted_and_told_once():
    # as the linter has it: names in capitals come first
    assert ft.__all__ == sorted(set(ft.__all__), key=lambda name: (not name.isupper(), name))
    assert set(ft._HOME) | set(ft._MODULES) == set(ft.__all__)


def test_every_model_is_a_public_name():
    assert set(ft.models.MODELS) <= set(ft.__all__)


def test_dir_lists_the_names_before_they_are_used():
    shown = json.loads(fresh("import json, foretaste; print(json.dumps(dir(foretaste)))"))
    assert set(ft.__all__) <= set(shown)
    assert "__version__" in shown


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="module 'foretaste' has no attribute 'SVD'"):
        ft.SVD  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'SVD' from 'foretaste'"):
        from foretaste import SVD  # noqa: F401, PLC0415


def test_there_is_a_version():
    assert ft.__version__.count(".") == 2
