"""Build the course: what a lecturer shows and students take home, checked, into a folder.

python course/tools/slides.py build/course
"""

import argparse
import sys
from pathlib import Path

from diffeo_course.slides import FILES, SlidesError, build


def main() -> int:
    """Build it; exit status 1, with every fault in a line, if something of it cannot be shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", nargs="+", default=list(FILES), help="of the deck, to look at a part of it alone")
    chosen = parser.parse_args()
    try:
        print("\n".join(build(chosen.folder, files=tuple(chosen.files))))
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
