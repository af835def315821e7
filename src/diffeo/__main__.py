"""``python -m diffeo``: the command line, where the shell does not find ``diffeo``."""

from diffeo.cli import main

if __name__ == "__main__":
    main()
