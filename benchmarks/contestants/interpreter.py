"""What only a fresh interpreter can show: imports and first calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from typing import Any

_REPORT = """
import json, resource, sys
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps({name: seconds, "compiler": int("numba" in sys.modules), "peak MB": peak}))
"""
_IMPORT = """
import time
name, started = "import", time.perf_counter()
import {module}
seconds = time.perf_counter() - started
"""
_FIRST_CALL = """
import time
name, started = "import + fit + recommend", time.perf_counter()
import foretaste as ft
ft.FunkSVD(n_factors=2, n_epochs=2, tol=0, random_state=0).fit(ft.datasets.albums()).recommend("an", n=2)
seconds = time.perf_counter() - started
"""


def import_module(module: str) -> dict[str, float]:
    if find_spec(module) is None:
        raise ModuleNotFoundError(name=module)
    return _run(_IMPORT.format(module=module))


def first_call(cached: bool) -> dict[str, float]:  # noqa: FBT001  an option of the row
    """With a cache of compiled kernels of its own: filled by a call before, or empty."""
    with tempfile.TemporaryDirectory() as cache:
        if cached:
            _run(_FIRST_CALL, NUMBA_CACHE_DIR=cache)
        return _run(_FIRST_CALL, NUMBA_CACHE_DIR=cache)


def _run(code: str, **variables: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", code + _REPORT], capture_output=True, text=True, check=True, env=os.environ | variables
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures
