"""Processes that work: where one dies, or takes too long, its own task fails, and no other."""

from alphamat.workers.crew import Ended as Ended
from alphamat.workers.crew import Task as Task
from alphamat.workers.process import Process as Process
from alphamat.workers.spread import as_jobs as as_jobs
from alphamat.workers.spread import spread as spread
