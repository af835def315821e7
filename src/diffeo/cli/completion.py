"""``diffeo completion``: let the shell complete verbs, options and names."""

from typing import Literal


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a script that lets your shell complete diffeo's verbs, options and names with the Tab key.

    For example:
      eval "$(diffeo completion bash)"              in ~/.bashrc
      diffeo completion zsh > ~/.zfunc/_diffeo      with ~/.zfunc in $fpath

    Parameters
    ----------
    shell
        Your shell.
    """
    from diffeo.cli.app import app

    print(app.generate_completion(prog_name="diffeo", shell=shell))
