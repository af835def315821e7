"""Whether a flow's probability means what it says."""

from diffeo.evaluation.calibration.calibration import FEWEST_ROWS as FEWEST_ROWS
from diffeo.evaluation.calibration.calibration import Calibration as Calibration
from diffeo.evaluation.calibration.calibration import TooFewRows as TooFewRows
from diffeo.evaluation.calibration.calibration import calibration as calibration
from diffeo.evaluation.calibration.coverage import Coverage as Coverage
from diffeo.evaluation.calibration.coverage import coverage as coverage
from diffeo.evaluation.calibration.normality import Normality as Normality
from diffeo.evaluation.calibration.normality import normality as normality
from diffeo.evaluation.calibration.picture import calibration_picture as calibration_picture
from diffeo.evaluation.calibration.two_sample import Classifier as Classifier
from diffeo.evaluation.calibration.two_sample import Discrepancy as Discrepancy
from diffeo.evaluation.calibration.two_sample import classifier_test as classifier_test
from diffeo.evaluation.calibration.two_sample import discrepancy as discrepancy
