"""Run methods on a data set."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from numbers import Real
from pathlib import Path

import numpy as np

from alphamat import __version__, workers
from alphamat.datasets import Sample
from alphamat.evaluation.keeping import keep, kept
from alphamat.evaluation.measure import Finished, Key, Row, Task, measure
from alphamat.evaluation.naming import named, named_metrics
from alphamat.evaluation.outcome import Evaluation
from alphamat.identity import describe
from alphamat.method import Method
from alphamat.progress import bar


def evaluate(
    methods: Mapping[str, Method] | Iterable[Method],
    dataset: Sequence[Sample],
    *,
    folder: str | Path | None = None,
    jobs: int | None = None,
    limit: float | None = None,
    quantise: bool = True,
    metrics: Mapping[str, Callable[..., float]] | Iterable[Callable[..., float]] = (),
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
        from there, and tries failed ones again, but for those whose process died, and those that
        ran over a `limit` which is not longer now: delete their lines in `rows.jsonl` to have them
        tried. Without it alphas are held in memory, as PNG.
    jobs : int, optional
        How many samples to work on at a time, as joblib counts them: -1 means one per core. By
        default one, or as many as `joblib.parallel_config` says, which can also hand the work to
        a cluster: `with joblib.parallel_config("dask"): evaluate(…)`.
    limit : float, optional
        Seconds that a method may take for a sample, and reading the sample as many; Numba's
        compiling does not count, JAX's does. What takes longer is stopped, and has failed. Work
        then runs in processes of its own, also with one job.
    quantise : bool
        Round alphas to 8 bits before they are scored, as published numbers do.
    metrics : mapping of names to callables, or functions with names of their own
        Further scores: `metric(alpha, truth, trimap) -> float`, of (H, W) float64 arrays in
        [0, 1], where lower is better. The trimap is the one whose unknown pixels are scored, or
        None for the whole picture. Where a metric raises, its score is NaN, and the row's
        `warning` says why.
    region : callable, optional
        `region(sample) -> trimap` whose unknown pixels are scored, or None for the whole picture,
        as `whole_picture` has it for networks that need no trimap. By default the unknown pixels of
        the sample's trimap.
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
    With several jobs, or a `limit`, work is done in processes. Where one dies, by the system when
    memory runs out or by a fault in compiled code, its task is tried once more, alone, at the end.
    If that process dies, too, the method has failed on this sample, and the row says how. With one
    job and no limit all runs in the caller's process.

    The processes share the cores out: each computes with its part of them as threads, so `seconds`
    grow with `jobs`. Compiling is in no time: a call that loaded or compiled code of Numba or JAX,
    as the first one does, and with JAX the first of each size, is made again and timed then. In
    threads (joblib's "threading", and dask's workers) warnings and memory cannot be told apart by
    method: there memory is NaN, and only the solver tells of convergence.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import datasets, evaluation
    >>> def red(image, trimap):
    ...     return np.where(trimap == 0.5, image[..., 0], trimap)
    >>> def worst(alpha, truth, trimap):
    ...     return np.abs(alpha - truth).max()
    >>> found = evaluation.evaluate([red], datasets.synthetic(30, 40)[:2], metrics=[worst])
    >>> found.scores("worst").shape
    (2, 1)
    """
    methods, labels, own = named(methods), labels_of(dataset), named_metrics(metrics)
    _refuse_nonsense(jobs, limit, unit)
    definitions = {name: describe(method) for name, method in methods.items()}
    tasks = [
        # A worker gets only the part of the data set that reads its sample.
        Task((method, *label), methods[method], dataset[at : at + 1], region, quantise, own)
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
        for key, (row, path) in kept(folder, settings, limit).items():
            rows[key] = row
            if path is not None:
                alphas[key] = path
    left, failed = [task for task in tasks if task.key not in rows], 0
    with (
        bar(total=len(tasks), done=len(tasks) - len(left), shown=progress) as shown,
        closing(_as_they_come(left, jobs, limit)) as results,
    ):
        for finished in results:
            row, alpha = finished.row, finished.alpha
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
        own=tuple(own),
        dataset=dataset,
        alphas=alphas,
    )


def whole_picture(sample: Sample) -> None:
    """Have `evaluate` score all pixels, whatever trimap a sample has: pass it as `region`.

    So papers score networks that need no trimap, and masks.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import datasets, evaluation
    >>> def all_of_it(image):
    ...     return np.ones(np.shape(image)[:2])
    >>> samples = datasets.synthetic(30, 40)[:1]
    >>> found = evaluation.evaluate([all_of_it], samples, region=evaluation.whole_picture)
    >>> found.rows[0].mad > 0.5  # the background is most of the picture
    True
    """


def _settings(task: Task) -> dict:
    """Return what has to be equal for a result to be used again."""
    return {
        "method": describe(task.call),
        "sample": describe(task.samples),
        "region": describe(task.region),
        "quantise": task.quantise,
        "metrics": {name: describe(metric) for name, metric in task.metrics.items()},
        "alphamat": __version__,
    }


def _refuse_nonsense(jobs: int | None, limit: float | None, unit: str) -> None:
    workers.as_jobs(jobs)
    if limit is not None and not (isinstance(limit, Real) and 0 < limit < math.inf):
        raise ValueError(f"`limit` is {limit!r}; expected seconds, more than 0, or None.")
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


def _as_they_come(tasks: list[Task], jobs: int | None, limit: float | None) -> Generator[Finished]:
    """Measure tasks, and yield what is finished, in any order."""
    pieces = (
        workers.Task(task.key, task.key[0], task.call, task._replace(call=None)) for task in tasks
    )
    with closing(workers.spread(_measured, pieces, jobs=jobs, limit=limit, here=True)) as results:
        for ended in results:
            finished = ended.value
            if finished is None:
                row = Row(*ended.task.rest.key, error=ended.error)
                finished = Finished(row, None, ended.died, limit if ended.late else None)
            elif ended.before:
                row = finished.row
                first = f"at first, {ended.before}" * (not row.error)
                warning = "; ".join(filter(None, [row.warning, first]))
                finished = finished._replace(row=row._replace(warning=warning))
            yield finished


def _measured(call: Method, task: Task, clock: Callable[[bool], None]) -> Finished:
    return measure(task._replace(call=call), clock)
