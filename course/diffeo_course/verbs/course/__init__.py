"""``diffeo course``: the kit of the course, whether this machine is ready for it, and handing in."""

from cyclopts import App

from diffeo_course.verbs.course.check import check
from diffeo_course.verbs.course.init import init
from diffeo_course.verbs.course.pack import pack

HELP = """The course on normalizing flows: its kit, whether this machine is ready for it, and handing in.

For example:
  diffeo course check
  diffeo course init flows --lang en
  diffeo course pack --id 20231234 --name Gildong

diffeo course COMMAND --help explains a command."""

course = App(name="course", help=HELP, usage="Usage: diffeo course COMMAND ...", help_format="plaintext")

course.command(init)
course.command(check)
course.command(pack)
