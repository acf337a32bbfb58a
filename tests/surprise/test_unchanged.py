"""A program written for Surprise runs unchanged and prints the same, whichever way ours takes the place of the package.

`written_for_surprise.py` runs in a process of its own each time, since an alias in `sys.modules` holds for all of one.
"""

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "written_for_surprise.py"
RUN = f"import runpy, sys; runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
ALIAS = "import sys, foretaste.surprise; sys.modules['surprise'] = foretaste.surprise"

# After the program: every module it reached by a name under `surprise` is foretaste's, and there is one copy of each.
ONE_COPY = """
names = sorted(name for name in sys.modules if name.split(".")[0] == "surprise")
assert len(names) > 15, names
for name in names:
    module = sys.modules[name]
    assert module.__name__.startswith("foretaste.surprise"), (name, module)
    assert module is sys.modules["foretaste." + name], (name, module)
"""


def printed(code, folder):
    environment = os.environ | {"SURPRISE_DATA_FOLDER": str(folder / "sets")}
    program = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(program, check=False, capture_output=True, text=True, env=environment)
    assert not done.returncode, done.stderr
    # seconds, and the folder of this run
    text = re.sub(r"^(Fit|Test) time .*$", r"\1 time", done.stdout, flags=re.MULTILINE)
    return text.replace(str(folder), "FOLDER")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """What the program prints under the real package."""
    return printed(RUN, tmp_path_factory.mktemp("peer"))


def same(got, wanted):
    difference = difflib.unified_diff(wanted.splitlines(), got.splitlines(), "Surprise", "foretaste", lineterm="", n=1)
    return "\n".join(difference)


def test_under_an_alias_every_line_it_prints_is_the_same(wanted, tmp_path):
    got = printed(f"{ALIAS}\n{RUN}\n{ONE_COPY}", tmp_path)
    assert not same(got, wanted)


def test_with_its_imports_changed_every_line_it_prints_is_the_same(wanted, tmp_path):
    text = PROGRAM.read_text(encoding="utf-8")
    changed = re.sub(r"^from surprise", "from foretaste.surprise", text, flags=re.MULTILINE)
    changed = re.sub(r"^import surprise as", "import foretaste.surprise as", changed, flags=re.MULTILINE)
    changed = re.sub(r"^import surprise\.([\w.]+) as", r"import foretaste.surprise.\1 as", changed, flags=re.MULTILINE)
    changed = re.sub(r"^import surprise$", "from foretaste import surprise", changed, flags=re.MULTILINE)
    changed = re.sub(r"^import surprise\.", "import foretaste.surprise.", changed, flags=re.MULTILINE)
    # processes of its own cost seconds, and the run under an alias has started them
    changed = changed.replace("n_jobs=2", "n_jobs=1")
    copy = tmp_path / "changed.py"
    copy.write_text(changed, encoding="utf-8")
    forbid = "import sys; sys.modules['surprise'] = None"  # any import of the package itself would fail
    run = f"import runpy; runpy.run_path({str(copy)!r}, run_name='__main__')"
    assert not same(printed(f"{forbid}\n{run}", tmp_path), wanted)
