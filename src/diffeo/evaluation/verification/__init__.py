"""Is a flow exact? Checks for its owner, layer by layer."""

from diffeo.evaluation.verification.mass import Mass as Mass
from diffeo.evaluation.verification.mass import mass as mass
from diffeo.evaluation.verification.report import Fault as Fault
from diffeo.evaluation.verification.report import LayerCheck as LayerCheck
from diffeo.evaluation.verification.report import Report as Report
from diffeo.evaluation.verification.report import SourceCheck as SourceCheck
from diffeo.evaluation.verification.verify import verify as verify
