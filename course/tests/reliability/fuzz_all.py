"""``make fuzz``: the library's readers and the course's, which are of hand-ins, and its verbs.

python course/tests/reliability/fuzz_all.py      takes what tests/reliability/fuzz.py takes
"""

import io
import json
import shutil
import sys
import zipfile
from pathlib import Path
from random import Random

if __name__ == "__main__":
    tests = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(tests), str(tests.parents[1] / "tests")]

from reliability import fuzz, packed, readers, seeds, words
from reliability.forked import Given
from reliability.mutations import changed, changed_json, changed_text


def handin(rng: Random, place: Path, good: Path) -> Given:
    """A hand-in of one of four kinds, or a folder of many, or a roster."""
    from diffeo_course.handin.reading import read
    from diffeo_course.inbox.hand_ins import hand_ins, pieces
    from diffeo_course.inbox.roster import read_roster

    kind = rng.choice(("py", "ipynb", "zip", "folder", "inbox", "roster"))
    if kind == "folder":
        folder = Path(shutil.copytree(good / "handin", place / "20231234"))
        path = rng.choice(sorted(folder.iterdir()))
        change = changed_json if path.suffix == ".json" else packed.any_of(changed_text, changed)
        path.write_bytes(change(rng, [path.read_bytes()]))
        return Given(lambda: read(folder), ("20231234",))
    if kind == "inbox":
        for name in ("py", "ipynb", "zip"):
            path = next((good / name).iterdir())
            change = packed.zipped(changed_text) if name == "zip" else changed_text
            (place / "in" / name).mkdir(parents=True)
            readers.written(place, f"in/{name}/{path.name}", change(rng, [path.read_bytes()]))
        return Given(lambda: hand_ins(pieces(place / "in")[0]), ("in",))
    change = {"py": changed_text, "ipynb": changed_json, "zip": packed.zipped(changed_text), "roster": changed_text}[
        kind
    ]
    path = readers.written(place, next((good / kind).iterdir()).name, change(rng, seeds.of(good, kind)))
    if kind == "roster":
        return Given(lambda: read_roster(path), (path.name,))
    return Given(lambda: read(path), (path.name,))


def made(folder: Path) -> None:
    code = (
        'ID = "20231234"\nNAME = "김하나"\n\nimport torch\n\n\ndef squeeze(x):\n    b, c, h, w = x.shape\n'
        "    x = x.reshape(b, c, h // 2, 2, w // 2, 2)\n"
        "    return x.permute(0, 1, 3, 5, 2, 4).reshape(b, 4 * c, h // 2, w // 2)\n\n\n"
        "class RealNVP(torch.nn.Module):\n    def log_prob(self, x):\n        return -(x**2).flatten(1).sum(1) / 2\n"
    )
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# 과제\n"]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "outputs": [],
            "source": code.splitlines(keepends=True),
        },
    ]
    notebook = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False)
    claims = json.dumps(
        {"id": "20231234", "name": "김하나", "bits_per_dim": 1.9, "values": 17, "epochs": 3, "seed": 0},
        ensure_ascii=False,
    )
    metrics = "".join(
        json.dumps({"epoch": i, "train": 3 - 0.1 * i, "validation": 3.1 - 0.1 * i}) + "\n" for i in range(5)
    )
    pieces = {
        "submission.py": code,
        "report.json": claims,
        "metrics.jsonl": metrics,
        "report.md": "# 분석\n\n결과 $x^2$\n",
        "writeup.md": "# x\n",
    }
    weights = (seeds.FIXTURES / "nice-1" / "model.safetensors").read_bytes()
    for name, text in pieces.items():
        seeds.write(folder, "handin", name, text)
    seeds.write(folder, "handin", "weights.safetensors", weights)
    seeds.write(folder, "py", "submission.py", code)
    seeds.write(folder, "ipynb", "submission.ipynb", notebook)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(pieces.items()):
            archive.writestr(
                zipfile.ZipInfo(f"20231234_김하나/{name}", (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED
            )
    seeds.write(folder, "zip", "20231234_김하나.zip", buffer.getvalue())
    seeds.write(folder, "roster", "roster.csv", "id,name\n20231234,김하나\n20231235,이둘\n")


def add() -> None:
    """Add what the course reads, and its verbs, to what is tried."""
    readers.ADDED["handins"] = readers.Reader("hand-ins (py, ipynb, zip, folder), read", 700, handin)
    seeds.ADDED.append(made)
    fuzz.LIGHT.extend(["diffeo_course.inbox.hand_ins", "diffeo_course.inbox.roster"])
    words.VERBS.extend(["grade", "course"])
    words.SUBVERBS["course"] = ("check", "pack", "x", "--help")
    words.STARTING.update({("grade",), ("course", "pack")})


if __name__ == "__main__":
    add()
    sys.exit(fuzz.main())
