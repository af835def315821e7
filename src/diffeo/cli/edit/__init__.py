"""``diffeo edit``: a command of its own for every edit."""

from cyclopts import App

from diffeo.cli.edit.class_ import class_
from diffeo.cli.edit.denoise import denoise
from diffeo.cli.edit.direction import direction
from diffeo.cli.edit.inpaint import inpaint
from diffeo.cli.edit.interpolate import interpolate
from diffeo.cli.edit.levels import levels
from diffeo.cli.edit.measure import measure
from diffeo.cli.edit.mix import mix
from diffeo.cli.edit.neighbours import neighbours
from diffeo.cli.edit.reconstruct import reconstruct
from diffeo.cli.edit.sweep import sweep
from diffeo.cli.edit.temperature import temperature
from diffeo.cli.edit.upscale import upscale
from diffeo.cli.names import of_runs

HELP = """Change images in latent space: encode, edit, decode.

For example:
  diffeo edit interpolate runs/glow-mnist --from 3 --to 17 --out strip.png
  diffeo edit class runs/glow-mnist --images 3,17 --out classes.png

diffeo edit COMMAND --help explains a command."""

edit = App(name="edit", help=HELP, usage="Usage: diffeo edit COMMAND RUN [OPTIONS]", help_format="plaintext")

edit.command(of_runs(interpolate))
edit.command(of_runs(inpaint))
edit.command(of_runs(denoise))
edit.command(of_runs(upscale))
edit.command(of_runs(temperature))
edit.command(of_runs(levels))
edit.command(of_runs(reconstruct))
edit.command(of_runs(mix))
edit.command(of_runs(neighbours))
edit.command(of_runs(direction))
edit.command(of_runs(sweep))
edit.command(of_runs(class_), name="class")
edit.command(of_runs(measure))
