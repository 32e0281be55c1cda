"""Run methods on a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from alphamat import __version__
from alphamat.datasets import Sample
from alphamat.evaluation.keeping import Key, keep, kept
from alphamat.evaluation.measure import Finished, Row, Task, measure
from alphamat.evaluation.naming import describe, named
from alphamat.evaluation.outcome import Evaluation
from alphamat.method import Method
from alphamat.progress import bar


def evaluate(
    methods: Mapping[str, Method] | Iterable[Method],
    dataset: Sequence[Sample],
    *,
    folder: str | Path | None = None,
    jobs: int | None = None,
    quantise: bool = True,
    region: Callable[[Sample], np.ndarray | None] | None = None,
    unit: str = "name",
    progress: bool = True,
) -> Evaluation:
    """Run methods on all samples of a data set, and score their alphas.

    Parameters
    ----------
    methods : mapping of names to callables, or functions with names of their own
        `method(image, trimap) -> alpha`, with image (H, W, 3) and trimap (H, W) as float64 in
        [0, 1]. A method is given what it takes of trimap and plate, see `alphamat.method.takes`:
        `(image)` gets neither, and `(image, trimap=None, plate=None)` both, where the sample has
        them. What a method raises is reported in its row, and the run goes on.
    dataset : `alphamat.datasets.Dataset`, or any sequence of `alphamat.datasets.Sample`
        A data set's pictures are read one by one, where the work is done. A sample without truth
        gets no scores; one without trimap is scored over the whole picture.
    folder : path, optional
        Where finished alphas and their rows are kept. A later call with the same folder continues
        from there, and tries failed ones again. Without it alphas are held in memory, as PNG.
    jobs : int, optional
        How many samples to work on at a time, as joblib counts them: -1 means one per core. By
        default one, or as many as `joblib.parallel_config` says, which can also hand the work to
        a cluster: `with joblib.parallel_config("dask"): evaluate(…)`.
    quantise : bool
        Round alphas to 8 bits before they are scored, as published numbers do.
    region : callable, optional
        `region(sample) -> trimap` whose unknown pixels are scored, or None for the whole picture.
        By default those of the trimap that the method was given.
    unit : "name" or "group"
        What counts as one observation when methods are compared: a picture, whatever its trimaps;
        or a group, for data sets whose groups are clips, since frames of a clip are alike.
    progress : bool
        Show a bar while stderr is a terminal.

    Returns
    -------
    Evaluation
        A row for each method and sample, means, ranks, comparisons, and a report in pictures.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or `folder` has results of these methods and samples by other
        settings.

    Notes
    -----
    joblib's worker processes share the cores out: each of `jobs` computes with its part of them
    as threads, so `seconds` grow with `jobs`. The first call in a process includes imports and
    loading of compiled code; the tables show medians for that reason. In threads (joblib's
    "threading", and dask's workers) warnings and memory cannot be told apart by method: there
    memory is NaN, and only the solver tells of convergence.
    """
    methods, labels = named(methods), labels_of(dataset)
    _refuse_nonsense(jobs, unit)
    definitions = {name: describe(method) for name, method in methods.items()}
    tasks = [
        # A worker gets only the part of the data set that reads its sample.
        Task((method, *label), methods[method], dataset[at : at + 1], region, quantise)
        for at, label in enumerate(labels)
        for method in methods
    ]
    rows: dict[Key, Row] = {}
    alphas: dict[Key, bytes | Path] = {}
    settings: dict[Key, dict] = {}
    if folder is not None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        settings = {task.key: _settings(task) for task in tasks}
        for key, (row, path) in kept(folder, settings).items():
            rows[key], alphas[key] = row, path
    left, failed = [task for task in tasks if task.key not in rows], 0
    with (
        bar(total=len(tasks), done=len(tasks) - len(left), shown=progress) as shown,
        closing(_as_they_come(left, jobs)) as results,
    ):
        for finished in results:
            row, alpha = finished
            if folder is not None:
                alpha = keep(folder, finished, settings[row[:3]])
            rows[row[:3]] = row
            if alpha is not None:
                alphas[row[:3]] = alpha
            failed += bool(row.error)
            told = " ".join(part for part in row[:3] if part)
            shown.advance(told + f", {failed} failed" * bool(failed))
    return Evaluation(
        rows=tuple(rows[task.key] for task in tasks),
        definitions=definitions,
        quantise=quantise,
        region=region,
        unit=unit,
        dataset=dataset,
        alphas=alphas,
    )


def _settings(task: Task) -> dict:
    """Return what has to be equal for a result to be used again."""
    return {
        "method": describe(task.call),
        "sample": describe(task.samples),
        "region": describe(task.region),
        "quantise": task.quantise,
        "alphamat": __version__,
    }


def _refuse_nonsense(jobs: int | None, unit: str) -> None:
    if jobs == 0 or not isinstance(jobs, int | None):
        raise ValueError(
            f"`jobs` is {jobs!r}; expected a number of at least 1, or -1 for all cores."
        )
    if unit not in ("name", "group"):
        raise ValueError(f"`unit` is {unit!r}; expected 'name' or 'group'.")


def labels_of(dataset: Sequence[Sample]) -> list[tuple[str, str]]:
    """Return (name, group) of each sample; raise if two are alike, or there are none."""
    if not isinstance(dataset, Sequence) or isinstance(dataset, Sample | str):
        raise TypeError(
            f"`dataset` is a {type(dataset).__name__}; expected a data set, or a list of samples."
        )
    labels = getattr(dataset, "labels", None)
    if labels is None:
        for sample in dataset:
            if not isinstance(sample, Sample):
                raise TypeError(
                    f"`dataset` has a {type(sample).__name__}; expected alphamat.datasets.Sample."
                )
        labels = [(sample.name, sample.group) for sample in dataset]
    if not labels:
        raise ValueError("`dataset` is empty; expected at least one sample.")
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"`dataset` has {count} samples with name and group {label}; they must differ."
        )
    return labels


def _as_they_come(tasks: list[Task], jobs: int | None) -> Generator[Finished]:
    """Run tasks by joblib, and yield what is finished, in any order."""
    from joblib import Parallel, delayed, effective_n_jobs

    calls = [delayed(measure)(task) for task in tasks]
    try:
        parallel = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
    except ValueError:  # multiprocessing, and Ray, return a whole list or nothing
        parallel = Parallel(n_jobs=jobs, batch_size=1)
        some = 4 * effective_n_jobs(jobs)
        for first in range(0, len(calls), some):
            yield from parallel(calls[first : first + some])
    else:
        with closing(parallel(calls)) as results:
            yield from results
