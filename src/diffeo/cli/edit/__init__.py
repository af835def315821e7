"""``diffeo edit``: a command of its own for every edit."""

from cyclopts import App

from diffeo.cli.edit.denoise import denoise
from diffeo.cli.edit.inpaint import inpaint
from diffeo.cli.edit.interpolate import interpolate
from diffeo.cli.edit.upscale import upscale

HELP = """Change images in latent space: encode, edit, decode.

For example:
  diffeo edit interpolate runs/glow-mnist --from 3 --to 17 --out strip.png

diffeo edit COMMAND --help explains a command."""

edit = App(name="edit", help=HELP, usage="Usage: diffeo edit COMMAND RUN [OPTIONS]", help_format="plaintext")

edit.command(interpolate)
edit.command(inpaint)
edit.command(denoise)
edit.command(upscale)
