"""Surprise's command line: `python -m foretaste.surprise`, and `foretaste surprise`, which is the same command."""

from __future__ import annotations

import ast
import random
import shutil
from pathlib import Path
from typing import Any

import click
import numpy as np

from foretaste.surprise import __version__, dump, prediction_algorithms
from foretaste.surprise.builtin_datasets import BUILTIN_DATASETS, get_dataset_dir
from foretaste.surprise.dataset import Dataset, DatasetAutoFolds
from foretaste.surprise.model_selection.split import KFold, PredefinedKFold, Splitter
from foretaste.surprise.model_selection.validation import DEFAULT_MEASURES, fit_and_test, gathered, print_summary
from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase
from foretaste.surprise.reader import Reader

ALGORITHMS = (
    "NormalPredictor",
    "BaselineOnly",
    "KNNBasic",
    "KNNBaseline",
    "KNNWithMeans",
    "KNNWithZScore",
    "SVD",
    "SVDpp",
    "NMF",
    "SlopeOne",
    "CoClustering",
)


def _params(context: click.Context, option: click.Parameter, text: str) -> dict[str, Any]:
    """The dictionary in a text such as "{'n_epochs': 10}"."""
    read = _values(text, "dict")
    try:
        params = None if read is None else dict(*read[0], **read[1])
    except (TypeError, ValueError):
        params = None
    if params is None or not all(isinstance(name, str) for name in params):
        message = f"{text!r} is no dictionary of plain values, such as {{'n_epochs': 10}}."
        raise click.BadParameter(message, context, option)
    return params


def _reader(context: click.Context, option: click.Parameter, text: str | None) -> Reader | None:
    """The reader in a text such as "Reader(sep=',')"."""
    if text is None:
        return None
    read = _values(text, "Reader")
    if read is None:
        message = f"{text!r} is no reader of plain values, such as Reader(sep=',')."
        raise click.BadParameter(message, context, option)
    try:
        return Reader(*read[0], **read[1])
    except (TypeError, ValueError) as error:
        raise click.BadParameter(str(error), context, option) from error


def _values(text: str, call: str) -> tuple[list[Any], dict[str, Any]] | None:
    """The values in the text of a dictionary or of a call, by position and by keyword; None if it is something else.

    The text is read as data: nothing in it is run.
    """
    try:
        found = ast.parse(text.strip(), mode="eval").body
        if isinstance(found, ast.Dict):
            return [ast.literal_eval(found)], {}
        if isinstance(found, ast.Call) and isinstance(found.func, ast.Name) and found.func.id == call:
            by_keyword = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in found.keywords}
            return [ast.literal_eval(value) for value in found.args], by_keyword
    except (SyntaxError, TypeError, ValueError, RecursionError):
        pass
    return None


@click.command("surprise", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-algo", "algo", type=click.Choice(ALGORITHMS), metavar="ALGORITHM", help=f"One of {', '.join(ALGORITHMS)}."
)
@click.option(
    "-params",
    "params",
    callback=_params,
    metavar="DICTIONARY",
    default="{}",
    show_default=True,
    help="Its parameters: \"{'n_epochs': 10}\".",
)
@click.option(
    "-load-builtin",
    "load_builtin",
    default="ml-100k",
    show_default=True,
    help=f"A known set: {', '.join(BUILTIN_DATASETS)}. Downloaded if you agree.",
)
@click.option("-load-custom", "load_custom", help="A file of ratings, instead of a known set; needs -reader.")
@click.option(
    "-folds-files",
    "folds_files",
    metavar="'TRAIN1 TEST1 TRAIN2 TEST2 ...'",
    help="Files of predefined folds, instead of a known set; needs -reader.",
)
@click.option(
    "-reader", "reader", callback=_reader, metavar="READER", help="How files are read: \"Reader(sep='\\t')\"."
)
@click.option(
    "-n-folds", "n_folds", type=click.IntRange(min=2), default=5, show_default=True, help="Number of random folds."
)
@click.option(
    "-seed",
    "seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Seed of folds and algorithm; without it they are others every time.",
)
@click.option("--with-dump", "with_dump", is_flag=True, help="Write predictions and algorithm of each fold to a file.")
@click.option("-dump-dir", "dump_dir", help="Folder for these files; without it 'dumps' in the folder of known sets.")
@click.option("--clean", "clean", is_flag=True, help="Remove the folder of known sets and end.")
@click.version_option(__version__, "-v", "--version", message="%(version)s")
def command(
    algo: str | None,
    params: dict[str, Any],
    load_builtin: str,
    load_custom: str | None,
    folds_files: str | None,
    reader: Reader | None,
    n_folds: int,
    seed: int | None,
    with_dump: bool,
    dump_dir: str | None,
    clean: bool,
) -> None:
    """Evaluate an algorithm by cross-validation, as Surprise's command line does.

    The ratings are those of a known set, of a file, or of files of predefined folds.
    """
    if clean:
        folder = get_dataset_dir()
        shutil.rmtree(folder)
        print("Removed", folder)
        return
    random.seed(seed)
    np.random.seed(seed)
    if algo is None:
        message = "No algorithm was specified. Hint: name one with -algo."
        raise click.UsageError(message)
    try:
        algorithm = getattr(prediction_algorithms, algo)(**params)
    except (TypeError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="-params") from error
    data = _data(load_builtin, load_custom, folds_files, reader)
    cv: Splitter = PredefinedKFold()
    if isinstance(data, DatasetAutoFolds):
        if n_folds > len(data.raw_ratings):
            message = f"{n_folds} folds cannot be made of {len(data.raw_ratings)} ratings."
            raise click.BadParameter(message, param_hint="-n-folds")
        cv = KFold(n_folds, seed)
    dumps = Path(dump_dir or Path(get_dataset_dir()) / "dumps") if with_dump else None
    try:
        if dumps is not None:
            dumps.mkdir(parents=True, exist_ok=True)
        _evaluate(algorithm, data, cv, dumps)
    except (ArithmeticError, MemoryError, NameError, OSError, TypeError, ValueError) as error:
        # what -params, -reader or the ratings hold is often found wanting only now
        message = f"{algo} cannot be evaluated with the parameters {params}: {error} ({type(error).__name__})."
        raise click.ClickException(message) from error


def _data(load_builtin: str, load_custom: str | None, folds_files: str | None, reader: Reader | None) -> Dataset:
    option = "-load-builtin"
    try:
        if load_custom is not None:
            option = "-load-custom"
            return Dataset.load_from_file(load_custom, _needed(reader))
        if folds_files is not None:
            option = "-folds-files"
            files = folds_files.split()
            if len(files) % 2:
                message = f"files come in pairs, to learn from and to test on, and there are {len(files)}."
                raise click.BadParameter(message, param_hint=option)
            return Dataset.load_from_folds(list(zip(files[::2], files[1::2], strict=True)), _needed(reader))
        return Dataset.load_builtin(load_builtin)
    except (OSError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _needed(reader: Reader | None) -> Reader:
    if reader is None:
        message = "-reader parameter is needed. Hint: say how the file is read, as in -reader \"Reader(sep=',')\"."
        raise click.UsageError(message)
    return reader


def _evaluate(algo: AlgoBase, data: Dataset, cv: Splitter, folder: Path | None) -> None:
    """Cross-validate and print the table; with a folder, dump each fold there as soon as it is tested."""
    outcomes = []
    for number, (trainset, testset) in enumerate(cv.split(data), 1):
        outcome, predictions = fit_and_test(algo, trainset, testset, DEFAULT_MEASURES)
        outcomes.append(outcome)
        if folder is not None:
            dump.dump(folder / f"{type(algo).__name__}-fold{number}", predictions, algo)
    print_summary(algo, DEFAULT_MEASURES, *gathered(outcomes, DEFAULT_MEASURES), len(outcomes))


def main(arguments: list[str] | None = None) -> None:
    """Run a command line, by default that of the process, and exit with its status."""
    command.main(arguments)


if __name__ == "__main__":
    main()
