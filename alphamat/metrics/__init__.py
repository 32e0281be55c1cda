"""How far an alpha is from the truth: the numbers that papers print."""

from alphamat.metrics.clips import dtssd as dtssd
from alphamat.metrics.clips import mean_temporal_error as mean_temporal_error
from alphamat.metrics.pictures import METRICS as METRICS
from alphamat.metrics.pictures import Metric as Metric
from alphamat.metrics.pictures import Scores as Scores
from alphamat.metrics.pictures import all as all
from alphamat.metrics.pictures import conn as conn
from alphamat.metrics.pictures import grad as grad
from alphamat.metrics.pictures import mad as mad
from alphamat.metrics.pictures import mse as mse
from alphamat.metrics.pictures import sad as sad
