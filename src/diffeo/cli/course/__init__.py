"""``diffeo course``: the kit of the course, and whether this machine is ready for it."""

from cyclopts import App

from diffeo.cli.course.check import check
from diffeo.cli.course.init import init

HELP = """The course on normalizing flows: its kit, and whether this machine is ready for it.

For example:
  diffeo course check
  diffeo course init flows --lang en

diffeo course COMMAND --help explains a command."""

course = App(name="course", help=HELP, usage="Usage: diffeo course COMMAND ...", help_format="plaintext")

course.command(init)
course.command(check)
