"""``diffeo completion``: let the shell complete verbs, options and names."""

import re
from typing import Literal

# zsh runs a file of its fpath as a function of the file's name; a script that is sourced has to say what it is for.
ZSH_END = """
if [[ $funcstack[1] == _* ]]; then
  {function} "$@"
else
  compdef {function} diffeo
fi"""


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a script that lets your shell complete diffeo's verbs, options and names with the Tab key.

    For example, in ~/.bashrc, or in ~/.zshrc after compinit:
      eval "$(diffeo completion bash)"
      eval "$(diffeo completion zsh)"

    Parameters
    ----------
    shell
        Your shell.
    """
    from diffeo.cli.app import app

    script = app.generate_completion(prog_name="diffeo", shell=shell)
    defined = re.search(r"^(_\w+)\(\)", script, re.MULTILINE)
    if shell == "zsh" and defined:
        script += ZSH_END.format(function=defined[1])
    print(script)
