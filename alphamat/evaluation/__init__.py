"""Evaluate methods on data sets: scores, ranks, comparisons, and a report in pictures."""

from alphamat.evaluation import plots as plots
from alphamat.evaluation.measure import Row as Row
from alphamat.evaluation.outcome import Evaluation as Evaluation
from alphamat.evaluation.results import Means as Means
from alphamat.evaluation.results import Ranks as Ranks
from alphamat.evaluation.run import evaluate as evaluate
from alphamat.evaluation.run import whole_picture as whole_picture
from alphamat.evaluation.statistics import Comparison as Comparison
from alphamat.evaluation.sweep import Sweep as Sweep
from alphamat.evaluation.sweep import trimap_sweep as trimap_sweep
