"""Run folders: what a training leaves behind, and how it is looked at."""

from diffeo.runs.compare import compare_runs as compare_runs
from diffeo.runs.compare import write_comparison_picture as write_comparison_picture
from diffeo.runs.curve import compare_with_curve as compare_with_curve
from diffeo.runs.curve import write_curve as write_curve
from diffeo.runs.folder import Run as Run
from diffeo.runs.folder import read_run as read_run
from diffeo.runs.report import write_report as write_report
from diffeo.runs.samples import sample_condition as sample_condition
from diffeo.runs.samples import sample_labels as sample_labels
from diffeo.runs.samples import samples_picture as samples_picture
from diffeo.runs.scores import Scores as Scores
from diffeo.runs.scores import score_rows as score_rows
from diffeo.runs.train import TrainingInterrupted as TrainingInterrupted
from diffeo.runs.train import free_folder as free_folder
from diffeo.runs.train import resume_run as resume_run
from diffeo.runs.train import train_run as train_run
