"""Build the labs' notebooks, in both languages, for students and with solutions: build/course/LANGUAGE/labs.

    python course/tools/labs.py build/course

They are the same bytes every time.
"""

import argparse
from itertools import product
from pathlib import Path
from typing import get_args

from diffeo_course.messages import Language
from diffeo_course.notebooks import Version, build


def main() -> None:
    """Build them, and print their names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for language, version in product(get_args(Language), get_args(Version)):
        for path in build(folder / language / "labs", language, version=version):
            print(path)


if __name__ == "__main__":
    main()
