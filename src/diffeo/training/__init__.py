"""Training: the loop and what it keeps."""

from diffeo.training.fit import Fit as Fit
from diffeo.training.fit import TrainingDiverged as TrainingDiverged
from diffeo.training.fit import fit as fit
