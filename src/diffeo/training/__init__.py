"""Training: the loop and what it keeps."""

from diffeo.training.fit import fit as fit
from diffeo.training.result import Fit as Fit
from diffeo.training.result import TrainingDiverged as TrainingDiverged
