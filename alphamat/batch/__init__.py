"""Many pictures: alphas or cut-outs of all that are in a folder, or in a table of any length."""

from alphamat.batch.inputs import Picture as Picture
from alphamat.batch.inputs import pictures_of as pictures_of
from alphamat.batch.planning import Plan as Plan
from alphamat.batch.planning import Planned as Planned
from alphamat.batch.planning import plan as plan
from alphamat.batch.running import Outcome as Outcome
from alphamat.batch.running import run as run
