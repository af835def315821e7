"""Files of data sets: found on this machine, or from mirrors, whole and of the published content or not kept."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from diffeo.data.transfer import OTHER, SLACK, Refused, arriving, unpacked
from diffeo.system.warning import warn

CACHE = "DIFFEO_CACHE"
MIRROR = "DIFFEO_MIRROR"
TIMEOUT = 20.0  # seconds without a byte
AT_LEAST, SLOWEST = 60.0, 50_000  # seconds for any file, and bytes a second for which there is more time
LOCK = ".lock"
NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}

MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/{file}.gz",
        "https://storage.googleapis.com/cvdf-datasets/mnist/{file}.gz",
    ),
    "fashion-mnist": (
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/{file}.gz",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/{file}.gz",
    ),
    "olivetti": (
        "https://ndownloader.figshare.com/files/5976027",
        "https://cs.nyu.edu/~roweis/data/olivettifaces.mat",
    ),
}

# SHA-256 of the uncompressed files: the same at every mirror, however each of them compressed its copy
SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    "olivetti": {
        "olivettifaces.mat": "b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
    },
}

# bytes that they have at most; no size of the faces is published
_IDX = {
    "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}
BYTES = {"mnist": _IDX, "fashion-mnist": _IDX, "olivetti": {"olivettifaces.mat": 8_000_000}}


def cache() -> Path:
    """Where downloads lie, a folder for each data set: ``DIFFEO_CACHE``, or the system's place for caches."""
    import pooch

    return Path(os.environ.get(CACHE) or pooch.os_cache("diffeo"))


def folder_of(name: str) -> Path | None:
    """The folder on this machine that holds a data set's files, if there is one.

    It is ``$DIFFEO_DATA/NAME``; or ``datasets/NAME`` in one of the system's folders for shared data
    (``XDG_DATA_DIRS``), where Debian's package dataset-fashion-mnist puts them; or the cache of downloads.
    """
    root = os.environ.get("DIFFEO_DATA")
    if root and (Path(root) / name).is_dir():
        return Path(root) / name
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    places = [Path(place) / "datasets" / name for place in shared.split(os.pathsep) if place]
    for place in (*places, cache() / name):
        if all(_find(place, file) for file in SHA256[name]):
            return place
    return None


def file_of(name: str, file: str) -> Path:
    """A file of a data set on this machine, packed or not; downloaded if it is not there.

    Raises:
        FileNotFoundError: if the data set's folder lacks it, or no mirror gives it.
    """
    folder = folder_of(name)
    if folder is None or folder == cache() / name:
        return fetch(name, file)
    path = _find(folder, file)
    if path is None:
        raise FileNotFoundError(
            f"{folder} is there, but it holds no {file}{_packing(name)}. Put the file there, or remove {folder}"
        )
    return path


def _find(folder: Path, file: str) -> Path | None:
    return next((path for path in (folder / f"{file}.gz", folder / file) if path.is_file()), None)


def _packing(name: str) -> str:
    return ".gz" if MIRRORS[name][0].endswith(".gz") else ""


def mirrors(name: str, file: str) -> tuple[str, ...]:
    """The addresses of a file, in the order to ask them; only that under ``DIFFEO_MIRROR`` if that is set."""
    own = os.environ.get(MIRROR)
    if own:
        return (f"{own.rstrip('/')}/{name}/{file}{_packing(name)}",)
    return tuple(mirror.format(file=file) for mirror in MIRRORS[name])


def fetch(name: str, file: str) -> Path:
    """The file of a data set, uncompressed, in the cache; downloaded if it is not there or is damaged.

    One process downloads at a time; others wait for it, and find the file. What a process left that was killed is
    removed by the next.

    Raises:
        FileNotFoundError: if no mirror gives it; the error says why, for each of them.
        OSError: if there is no room for it, or the cache cannot be written to.
    """
    path = cache() / name / file
    if _published(path, name, file):
        return path
    with _alone(path.parent, file):
        if _published(path, name, file):  # another process fetched it meanwhile
            return path
        damaged = path.exists()
        failures = []
        for address in mirrors(name, file):
            try:
                _download(address, path, name, file)
            except Refused as error:
                failures.append(f"  {address}: {error}")
            else:
                if damaged:
                    warn(f"{path} was damaged, and was downloaded again")
                return path
    raise FileNotFoundError(_not_there(name, file, failures, path if damaged else None))


def _published(path: Path, name: str, file: str) -> bool:
    """Whether a file is there that has the published content."""
    import pooch

    try:
        found = path.is_file() and path.stat().st_size <= BYTES[name][file]
        return found and pooch.file_hash(str(path)) == SHA256[name][file]
    except OSError:
        return False


@contextmanager
def _alone(folder: Path, file: str) -> Iterator[None]:
    """Nobody else downloads into the folder meanwhile, and nothing is there that another left."""
    from filelock import FileLock

    lock = FileLock(folder / LOCK)
    with _writable(folder, file):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        for left in folder.glob(".*.part"):
            left.unlink(missing_ok=True)
        yield
    finally:
        with suppress(OSError):  # while it is held; where an open file cannot be removed it stays
            (folder / LOCK).unlink()
        lock.release()


def _download(address: str, path: Path, name: str, file: str) -> None:
    """Raises Refused if the address does not give the published content."""
    import pooch

    size = BYTES[name][file]
    parts = [path.with_name(f".{file}.{i}.part") for i in range(3)]
    try:
        with _writable(path.parent, file, size):
            with parts[0].open("wb") as packed:
                for piece in arriving(
                    address,
                    largest=size + SLACK,
                    silent=TIMEOUT,
                    seconds=AT_LEAST + size / SLOWEST,
                    trusted=bool(os.environ.get(MIRROR)),
                ):
                    packed.write(piece)
            content = unpacked(parts, size + SLACK)
            if not content.stat().st_size:
                raise Refused("sent nothing")
            if pooch.file_hash(str(content)) != SHA256[name][file]:
                raise Refused(OTHER)
            os.replace(content, path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


@contextmanager
def _writable(folder: Path, file: str, size: int = 0) -> Iterator[None]:
    """What the system says when a file cannot be written into a folder, as one sentence that names both."""
    try:
        yield
    except OSError as error:
        advice = f"or set {CACHE} to a folder on another disk"
        if error.errno in NO_ROOM:
            raise OSError(
                f"no room for {file} in {folder}: up to {2 * size / 1e6:.1f} MB are needed. Make room, {advice}"
            ) from error
        why = error.strerror or str(error)
        raise OSError(f"{folder / file} cannot be written: {why}. Mend that, {advice}") from error


def _not_there(name: str, file: str, failures: list[str], damaged: Path | None) -> str:
    root = os.environ.get("DIFFEO_DATA")
    packed, others = f"{file}{_packing(name)}", len(SHA256[name]) - 1
    place = f"set DIFFEO_DATA to a folder that holds {name}/{packed}"
    if others:
        place += f" and its {others} companions"
    if root:
        place += f" (DIFFEO_DATA is {root}, which has no folder {name})"
    advice = " or apt install dataset-fashion-mnist," if name == "fashion-mnist" else ""
    what = f"{damaged} is damaged" if damaged else f"{name} is not on this machine"
    return (
        f"{what}, and {packed} could not be downloaded:\n"
        + "\n".join(failures)
        + f"\nTry again when the connection is back,{advice} or {place}"
    )
