"""``diffeo completion``: let the shell complete verbs, options and names."""

import re
from collections.abc import Callable
from typing import Literal

from cyclopts import App

Shell = Literal["bash", "zsh", "fish"]

# What is said of table:PATH and folder:PATH: cyclopts completes a list of names or paths, but no path after a word.
# bash takes the colon for the end of a word unless COMP_WORDBREAKS is without it.
BASH_PATHS = r"""
_diffeo_path() {
  local kind="" path="${COMP_WORDS[COMP_CWORD]}" start="" found
  case "$path" in
    table:*|folder:*) kind="${path%%:*}"; path="${path#*:}"; start="$kind:" ;;
    :) kind="${COMP_WORDS[COMP_CWORD-1]}"; path="" ;;
    *)
      [[ $COMP_CWORD -ge 2 && "${COMP_WORDS[COMP_CWORD-1]}" == : ]] || return 1
      kind="${COMP_WORDS[COMP_CWORD-2]}" ;;
  esac
  local what=-f
  case "$kind" in
    table) ;;
    folder) what=-d ;;
    *) return 1 ;;
  esac
  path="${path//\\/}"
  COMPREPLY=()
  while IFS= read -r found; do
    [[ -d "$found" ]] && found="$found/"
    printf -v found '%q' "$found"
    COMPREPLY+=("$start$found")
  done < <(compgen $what -- "$path")
  [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == */ ]] && compopt -o nospace 2>/dev/null
  return 0
}
"""
ZSH_PATHS = """
  if compset -P '(--data=|)table:'; then _files; return; fi
  if compset -P '(--data=|)folder:'; then _files -/; return; fi
"""
FISH_PATHS = r"""
function __fish_diffeo_path
    set -l word (commandline -ct)
    set -l kind (string match -r '^(?:table|folder):' -- $word); or return
    set -l path (string replace -r '^(?:table|folder):' '' -- $word)
    if test $kind = 'folder:'
        __fish_complete_directories $path ''
    else
        __fish_complete_path $path ''
    end | string replace -r '^' $kind
end
complete -c diffeo -f -n 'string match -qr "^(table|folder):" -- (commandline -ct)' -a '(__fish_diffeo_path)'
"""

# zsh runs a file of its fpath as a function of the file's name; a script that is sourced has to say what it is for.
ZSH_END = """
if [[ $funcstack[1] == _* ]]; then
  {function} "$@"
else
  compdef {function} diffeo
fi"""


def completion_of(program: Callable[[], App]) -> Callable[..., None]:
    """The verb that completes the words of `program`, which is asked for when it runs."""

    def completion(shell: Shell, /) -> None:
        """Print a script that lets your shell complete diffeo's verbs, options, names and paths with the Tab key.

        For example, in ~/.bashrc, or in ~/.zshrc after compinit:
          eval "$(diffeo completion bash)"
          eval "$(diffeo completion zsh)"

        Parameters
        ----------
        shell
            Your shell.
        """
        print(script_of(program(), shell))

    return completion


def script_of(app: App, shell: Shell) -> str:
    """What the shell is to read.

    Raises:
        RuntimeError: if cyclopts writes it in another way than is known here.
    """
    script = app.generate_completion(prog_name="diffeo", shell=shell)
    if shell == "fish":
        return script + FISH_PATHS
    start = re.search(r"^(_\w+)\(\) \{\n", script, re.MULTILINE)
    if start is None:
        raise RuntimeError(f"the {shell} script of this cyclopts begins in another way: pip install 'cyclopts<6'")
    before, after = script[: start.end()], script[start.end() :]
    if shell == "bash":
        return BASH_PATHS + before + "  _diffeo_path && return\n" + after
    return before + ZSH_PATHS + after + ZSH_END.format(function=start[1])
