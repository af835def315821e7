"""The wheels of the library and of the course, made without a network: built in a checkout, packed again otherwise."""

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import diffeo

# Where a checkout has the pyproject.toml of each.
ROOTS = {"diffeo": Path(diffeo.__file__).parents[2], "diffeo-course": Path(__file__).parents[1]}
# What an installer adds to a wheel's own files, and what is written anew.
NOT_PACKED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
LONG_AGO = (2020, 2, 2, 0, 0, 0)  # the same files give the same wheel


def make_wheel(name: str, folder: Path) -> Path:
    """Write a wheel of what is running here into a folder: of ``diffeo`` or ``diffeo-course``.

    Raises:
        ImportError: in a checkout without hatchling.
        RuntimeError: if the build fails, or a file of the installation is gone.
    """
    if (ROOTS[name] / "pyproject.toml").is_file():
        return build(name, folder)
    return repack(distribution(name), folder)


def build(name: str, folder: Path) -> Path:
    """Build the wheel of a checkout with hatchling.

    Raises:
        ImportError: if hatchling is not installed.
        RuntimeError: if the build fails.
    """
    if find_spec("hatchling") is None:
        raise ImportError(
            "hatchling, which builds the wheel of a checkout, is not installed. "
            "Install it: python -m pip install hatchling; or give a wheel: diffeo course init DIR --wheel FILE"
        )
    root, folder = ROOTS[name], folder.resolve()
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    made = list(folder.glob(f"{_in_files(name)}-*.whl"))
    if done.returncode or len(made) != 1:
        raise RuntimeError(f"hatchling built no wheel of {root}:\n{done.stderr.strip() or done.stdout.strip()}")
    return made[0]


def repack(installed: Distribution, folder: Path) -> Path:
    """Pack the files that an installation's RECORD lists as the wheel they came from.

    Raises:
        RuntimeError: if one is gone, or the installation lists none.
    """
    listed = [file for file in installed.files or () if _is_packed(PurePosixPath(file))]
    missing = [str(file) for file in listed if not Path(str(file.locate())).is_file()]
    if missing or not listed:
        raise RuntimeError(
            f"this installation of {installed.name} is not whole ({', '.join(missing[:3]) or 'it lists no files'}). "
            "Install it again, or give a wheel: diffeo course init DIR --wheel FILE"
        )
    tag = next(line[5:] for line in (installed.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: "))
    info = next(PurePosixPath(file).parts[0] for file in listed if PurePosixPath(file).parts[0].endswith(".dist-info"))
    path = folder / f"{_in_files(installed.name)}-{installed.version}-{tag}.whl"
    lines = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(listed, key=str):
            name, content = PurePosixPath(file).as_posix(), Path(str(file.locate())).read_bytes()
            archive.writestr(_entry(name), content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{_quoted(name)},sha256={digest},{len(content)}")
        record = f"{info}/RECORD"
        archive.writestr(_entry(record), "\n".join([*lines, f"{record},,", ""]))
    return path


def told_apart(wheels: Sequence[Path]) -> dict[str, Path]:
    """Wheels that were given, each by the name of what it installs; what is none of ours is refused before any work.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is something else, or there are two of one name.
    """
    found: dict[str, Path] = {}
    for path in wheels:
        name = _installs(path)
        if name in found:
            raise ValueError(f"{found[name]} and {path} are both wheels of {name}. Give one of each")
        found[name] = path
    return found


def _installs(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}. Leave --wheel out to have the wheel made")
    for name in ROOTS:
        if path.name.startswith(f"{_in_files(name)}-") and path.suffix == ".whl" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if f"{_in_files(name)}/__init__.py" in archive.namelist():
                    return name
    files = " or ".join(f"{_in_files(name)}-VERSION-py3-none-any.whl" for name in ROOTS)
    raise ValueError(f"{path} is no wheel of {' or '.join(ROOTS)} ({files}). Leave --wheel out to have it made")


def _in_files(name: str) -> str:
    """A distribution's name as that of its wheel and of its package."""
    return name.replace("-", "_")


def _is_packed(file: PurePosixPath) -> bool:
    compiled = "__pycache__" in file.parts or file.suffix == ".pyc"
    return not compiled and ".." not in file.parts and not file.is_absolute() and file.name not in NOT_PACKED


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name
