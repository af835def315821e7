"""What a trained flow is worth: likelihood, round trip, baselines, pictures."""

from diffeo.evaluation.baselines import baselines as baselines
from diffeo.evaluation.exactness import integral as integral
from diffeo.evaluation.exactness import log_det_error as log_det_error
from diffeo.evaluation.likelihood import Estimate as Estimate
from diffeo.evaluation.likelihood import estimate as estimate
from diffeo.evaluation.likelihood import labels_for as labels_for
from diffeo.evaluation.likelihood import likelihood as likelihood
from diffeo.evaluation.pictures import curves_picture as curves_picture
from diffeo.evaluation.pictures import density_picture as density_picture
from diffeo.evaluation.pictures import image_grid as image_grid
from diffeo.evaluation.pictures import save_figure as save_figure
from diffeo.evaluation.pictures import scatter_picture as scatter_picture
from diffeo.evaluation.round_trip import RoundTrip as RoundTrip
from diffeo.evaluation.round_trip import round_trip as round_trip
