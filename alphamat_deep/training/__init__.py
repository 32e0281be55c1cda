"""Training of the published networks."""

from alphamat_deep.training.loop import Trained as Trained
from alphamat_deep.training.loop import train as train
