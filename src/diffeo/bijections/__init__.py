"""Invertible maps, one a file."""

from diffeo.bijections.actnorm import ActNorm as ActNorm
from diffeo.bijections.bijection import Bijection as Bijection
from diffeo.bijections.bijection import Step as Step
from diffeo.bijections.chain import Chain as Chain
from diffeo.bijections.conv1x1 import InvertibleConv1x1 as InvertibleConv1x1
from diffeo.bijections.coupling import Coupling as Coupling
from diffeo.bijections.flatten import Flatten as Flatten
from diffeo.bijections.gaussianize import Gaussianize as Gaussianize
from diffeo.bijections.inverse import Inverse as Inverse
from diffeo.bijections.logit import Logit as Logit
from diffeo.bijections.partition import halves as halves
from diffeo.bijections.permutation import Flip as Flip
from diffeo.bijections.permutation import Permutation as Permutation
from diffeo.bijections.sharing import refuse_shared as refuse_shared
from diffeo.bijections.split import Split as Split
from diffeo.bijections.squeeze import Squeeze as Squeeze
from diffeo.bijections.standardize import Standardize as Standardize
