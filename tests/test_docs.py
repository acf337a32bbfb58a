"""What README.md and docs/ show runs, what they print is what comes, and the reference leaves nothing out.

The conventions for blocks stand in docs/conventions.md, under "Docs".
"""

import difflib
import doctest
import inspect
import io
import os
import re
import shlex
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

import foretaste as ft
from foretaste import cli, exceptions
from foretaste.data import datasets

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = [path for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))) if path.is_file()]

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
STYLE = re.compile("\x1b\\[[0-9;]*m")  # bold and colours
FAILS = re.compile(r"^\w*Error: ", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: the word behind the fence, the file name behind that, the text and where it starts."""

    language: str
    file: str
    text: str
    line: int


def blocks(page):
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, _, file = match["info"].strip().partition(" ")
        found.append(Block(language, file.strip(), match["text"], text[: match.start()].count("\n") + 1))
    return found


def needed_sets(page):
    """The known sets that the code of a page reads."""
    code = "\n".join(block.text for block in blocks(page) if block.language in ("python", "console"))
    needed = {name for name in datasets.KNOWN if name in code}
    return needed | ({"ml-100k"} if re.search("load_movielens|movielens_folds", code) else set())


# What runs -----------------------------------------------------------------------------------------------------------


class Screen(io.TextIOWrapper):
    """A stream that claims to be a terminal, or not, and keeps what is written."""

    def __init__(self, kept, *, terminal):
        super().__init__(kept, encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self):
        return self._terminal


class Runner:
    """The blocks of one page, in order, in one namespace and one folder."""

    def __init__(self, page, monkeypatch):
        self.page = page
        self.monkeypatch = monkeypatch
        self.namespace = {"__name__": "__main__"}

    def run(self, block):
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python" and re.search(r"^>>> ", block.text, re.MULTILINE):
            self._run_session(block)
        elif block.language == "python":
            code = compile("\n" * block.line + block.text, str(self.page), "exec", dont_inherit=True)
            exec(code, self.namespace)  # noqa: S102  running what the page shows is the point
        elif block.language == "console":
            for line, command, shown in commands(block):
                self._run_command(line, command, shown)

    def _run_session(self, block):
        test = doctest.DocTestParser().get_doctest(
            block.text, self.namespace, self.page.name, str(self.page), block.line
        )
        report = []
        result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append, clear_globs=False)
        self.namespace |= test.globs
        if result.failed:
            pytest.fail("".join(report), pytrace=False)

    def _run_command(self, line, command, shown):
        kept = io.BytesIO()
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", Screen(kept, terminal=True))
            patch.setattr(sys, "stderr", Screen(kept, terminal=False))
            with pytest.raises(SystemExit) as left:
                cli.main(shlex.split(command, comments=True)[1:])
            printed = STYLE.sub("", kept.getvalue().decode())
            sys.stdout.detach()
            sys.stderr.detach()
        where = f"{self.page}:{line}: $ {command}"
        assert left.value.code == (2 if FAILS.search(shown) else 0), f"{where}\n{printed}"
        if shown.strip() and not doctest.OutputChecker().check_output(shown, printed, FLAGS):
            difference = "\n".join(difflib.ndiff(shown.splitlines(), printed.splitlines()))
            pytest.fail(f"{where} prints something else:\n{difference}", pytrace=False)


def commands(block):
    """Line, command and shown output of each ``$ foretaste`` in a console block; `demo` has tests of its own."""
    text = re.sub(r" *\\\n *", " ", block.text)
    for number, part in enumerate(re.split(r"^\$ ", text, flags=re.MULTILINE)):
        command, _, shown = part.partition("\n")
        words = shlex.split(command, comments=True) if command.startswith("foretaste ") else []
        if number and words and words[1] != "demo":
            yield block.line + text[: text.index(command)].count("\n") + 1, command, shown


def page_parameter(page):
    marks = [pytest.mark.slow] if needed_sets(page) else []
    return pytest.param(page, id=str(page.relative_to(ROOT)), marks=marks)


@pytest.mark.parametrize("page", [page_parameter(page) for page in PAGES])
def test_page_runs(page, tmp_path, monkeypatch, need_set):
    for name in needed_sets(page):
        need_set(name)
    monkeypatch.chdir(tmp_path)
    for variable, value in {"COLUMNS": "100", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(variable, value)
    for variable in ("FORETASTE_TRACEBACK", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    runner = Runner(page, monkeypatch)
    with pl.Config(), np.printoptions():  # a page may choose how tables look; the next one starts afresh
        for block in blocks(page):
            runner.run(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_is_well_formed(page):
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^\s*(?:```|~~~)", text, re.MULTILINE)
    assert len(fences) == 2 * len(blocks(page)), "a fence is indented, left open or of another kind"
    languages = {block.language for block in blocks(page) if not block.file}
    assert languages <= {"python", "console", "text", "toml", ""}, languages
    for block in blocks(page):
        if block.language == "console":
            assert block.text.startswith("$ "), f"line {block.line}: a console block starts with a command"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in LINK.findall(without_blocks(page)):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), target
        if anchor:
            assert anchor in {anchor_of(title) for _, title in HEADING.findall(without_blocks(path))}, target


def anchor_of(title):
    """What forges make of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


# What must be there --------------------------------------------------------------------------------------------------


@cache
def without_blocks(page):
    return FENCE.sub("", page.read_text(encoding="utf-8"))


@cache
def sections(page):
    """Heading (without backticks and arguments) -> its text, with the headings below it."""
    text = without_blocks(page)
    found = list(HEADING.finditer(text))
    result = {}
    for place, match in enumerate(found):
        end = next((other.start() for other in found[place + 1 :] if len(other[1]) <= len(match[1])), len(text))
        for name in match[2].replace("`", "").split(", "):
            result[re.sub(r"\(.*", "", name)] = text[match.start() : end]
    return result


def rows(text):
    """First cell (without backticks) -> the cells of its row, of every table in a text."""
    found = {}
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for name in re.findall(r"`([^`]+)`", cells[0]):
                found[re.sub(r"\(.*", "", name)] = cells
    return found


def entries(page):
    """Everything that has a heading or a row in a table of a page."""
    return {**sections(page), **rows(without_blocks(page))}


def reference_entries():
    return {name for page in REFERENCE.glob("*.md") for name in entries(page)}


def public_members(owner):
    """Names of the methods, properties and fields of a class that are its own or foretaste's, and public."""
    names = []
    for base in owner.__mro__:
        if base.__module__.startswith("foretaste"):
            names += [*vars(base), *getattr(base, "__annotations__", {})]
    # scikit-learn adds set_fit_request and the like, which belong to its routing of metadata
    return sorted({name for name in names if not re.match(r"_|set_\w+_request$", name)})


def modules():
    return [getattr(ft, name) for name in ft.__all__ if isinstance(getattr(ft, name), ModuleType)]


def models():
    return list(ft.models.MODELS.values())


def fitted(model):
    if model is ft.ContentRegression:
        return model(item_features=datasets.album_features()).fit(datasets.albums())
    return model().fit(datasets.albums())


@pytest.mark.parametrize("name", ft.__all__)
def test_every_public_name_is_in_the_reference(name):
    assert name in reference_entries()


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_every_name_of_every_public_module_is_in_the_reference(module):
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
    assert set(names) <= reference_entries(), sorted(set(names) - reference_entries())


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_parameter_stands_with_its_true_default(model):
    shown = rows(sections(REFERENCE / "models.md")[model.__name__])
    parameters = inspect.signature(model).parameters
    defaults = {name: f"`{parameter.default!r}`" for name, parameter in parameters.items()}
    assert {name: shown.get(name, [name, "missing"])[1] for name in defaults} == defaults


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_learned_attribute_is_in_the_reference(model):
    sections_of = sections(REFERENCE / "models.md")
    shown = rows(sections_of[model.__name__]) | rows(sections_of["What every fitted model holds"])
    learned = {name for name in vars(fitted(model)) if name.endswith("_")}
    assert learned <= set(shown), sorted(learned - set(shown))


@pytest.mark.parametrize(
    ("owner", "page"),
    [
        (ft.Recommender, "models.md"),
        (ft.Interactions, "data.md"),
        (ft.Vocabulary, "data.md"),
        (ft.model_selection.Comparison, "model-selection.md"),
        (ft.model_selection.Fold, "model-selection.md"),
        (ft.model_selection.RankingReport, "model-selection.md"),
        (ft.model_selection.Splitter, "model-selection.md"),
        (ft.model_selection.Tuning, "model-selection.md"),
        (ft.metrics.Measured, "metrics.md"),
    ],
)
def test_every_member_is_in_the_reference(owner, page):
    shown = {name.rpartition(".")[2] for name in entries(REFERENCE / page)}
    assert set(public_members(owner)) <= shown, sorted(set(public_members(owner)) - shown)


def documented_functions():
    """Every public function, and every public method of the main classes, by its qualified name."""
    found = {}
    for module in modules():
        for name in getattr(module, "__all__", []):
            value = getattr(module, name)
            if inspect.isfunction(value):
                found[name] = value
    of_model_selection = (
        ft.model_selection.Comparison,
        ft.model_selection.RankingReport,
        ft.model_selection.Splitter,
        ft.model_selection.Tuning,
    )
    for owner in (ft.Recommender, ft.Interactions, ft.Vocabulary, *of_model_selection):
        for name in public_members(owner):
            method = inspect.unwrap(getattr(owner, name, None))
            if inspect.isroutine(method):
                found[f"{owner.__name__}.{name}"] = method
    return found


@pytest.mark.parametrize("name", documented_functions())
def test_every_argument_of_every_function_is_named(name):
    names = (name, name.rpartition(".")[2])
    pages = list(REFERENCE.glob("*.md"))
    shown = [text for page in pages for heading, text in sections(page).items() if heading in names]
    shown += [" ".join(cells) for page in pages for row, cells in rows(without_blocks(page)).items() if row in names]
    assert shown
    words = {word for code in re.findall(r"`[^`]+`", " ".join(shown)) for word in re.findall(r"\w+", code)}
    wanted = {
        word for word in inspect.signature(documented_functions()[name]).parameters if word not in ("self", "cls")
    }
    assert wanted <= words, sorted(wanted - words)


def test_every_metric_is_in_the_reference():
    from foretaste.metrics._names import _METRICS, _RANKING  # noqa: PLC0415  the lists that names are looked up in

    assert {*_METRICS, *_RANKING} <= set(entries(REFERENCE / "metrics.md"))


def test_every_error_is_in_the_reference():
    classes = [value for value in vars(exceptions).values() if inspect.isclass(value)]
    assert {each.__name__ for each in classes} <= set(entries(REFERENCE / "errors.md"))


def all_commands(group, prefix=""):
    """Every command, and those within groups, by its words."""
    found = {}
    for name, command in group.commands.items():
        inside = all_commands(command, f"{prefix}{name} ") if hasattr(command, "commands") else {}
        found |= {f"{prefix}{name}": command} | inside
    return found


@pytest.mark.parametrize("name", all_commands(cli.app))
def test_every_command_and_option_is_in_the_reference_with_its_default(name):
    shown = rows(sections(REFERENCE / "command-line.md")[f"foretaste {name}"])
    for parameter in all_commands(cli.app)[name].params:
        if parameter.param_type_name == "argument":
            assert parameter.human_readable_name in shown
        else:
            assert set(parameter.opts) <= set(shown), parameter.opts
            if parameter.show_default:
                assert shown[parameter.opts[0]][1] == f"`{parameter.default}`", parameter.opts


def test_every_known_set_is_in_the_reference():
    assert set(datasets.NAMES) <= set(entries(REFERENCE / "data.md"))


def test_the_floors_in_the_architecture_are_those_of_the_import_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contract if each["type"] == "layers")
    rooms = [re.findall(r"\w+", layer) for layer in layers]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    floors = re.findall(r"^\| (\d) \| (.+?) \|", text, re.MULTILINE)
    shown = [re.findall(r"`(\w+)`", names) for _, names in floors]
    assert [sorted(names) for names in shown] == [sorted(names) for names in rooms]
    assert [int(number) for number, _ in floors] == list(range(len(rooms), 0, -1))
    present = {path.name for path in (ROOT / "src" / "foretaste").iterdir() if (path / "__init__.py").is_file()}
    assert present <= {name for names in shown for name in names}


def test_every_file_stands_in_the_architecture():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "foretaste"
    files = {path for path in source.rglob("*.py") if path.parent.name != "cli" and path.name != "__init__.py"}
    missing = sorted(str(path.relative_to(source)) for path in files if path.name not in text)
    assert not missing, missing


def test_every_page_is_reached_from_the_index():
    start = DOCS / "index.md"
    linked = {(start.parent / target.partition("#")[0]).resolve() for target in LINK.findall(without_blocks(start))}
    for page in sorted(DOCS.rglob("*.md")):
        inside = any(folder in linked for folder in page.parents if folder != DOCS)
        assert page == start or page in linked or inside, os.fspath(page)
