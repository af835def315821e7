"""Files of data sets: found on this machine, or from mirrors, whole and of the published content or not kept."""

import gzip
import os
import zlib
from pathlib import Path

CACHE = "DIFFEO_CACHE"
MIRROR = "DIFFEO_MIRROR"
TIMEOUT = 20.0  # seconds without a byte

MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/{file}.gz",
        "https://storage.googleapis.com/cvdf-datasets/mnist/{file}.gz",
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{file}.gz",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/{file}.gz",
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


def whole(name: str, file: str) -> Path:
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

    Raises:
        FileNotFoundError: if no mirror gives it; the error says why, for each of them.
    """
    import pooch

    failures = []
    for address in mirrors(name, file):
        try:
            return Path(
                pooch.retrieve(
                    address,
                    known_hash=f"sha256:{SHA256[name][file]}",
                    fname=file,
                    path=cache() / name,
                    downloader=_uncompressed,
                )
            )
        except (OSError, ValueError, EOFError, zlib.error) as error:
            failures.append(f"  {address}: {_reason(error)}")
    root = os.environ.get("DIFFEO_DATA")
    packed, others = f"{file}{_packing(name)}", len(SHA256[name]) - 1
    place = f"set DIFFEO_DATA to a folder that holds {name}/{packed}"
    if others:
        place += f" and its {others} companions"
    if root:
        place += f" (DIFFEO_DATA is {root}, which has no folder {name})"
    advice = " or apt install dataset-fashion-mnist," if name == "fashion-mnist" else ""
    raise FileNotFoundError(
        f"{name} is not on this machine, and {packed} could not be downloaded:\n"
        + "\n".join(failures)
        + f"\nTry again when the connection is back,{advice} or {place}"
    )


def _uncompressed(url: str, output: str, pooch_: object) -> None:
    """For pooch: what it checks by its hash, and keeps only then, is the content of the download."""
    import pooch

    packed = Path(f"{output}.gz")
    try:
        pooch.HTTPDownloader(timeout=TIMEOUT, chunk_size=2**16)(url, str(packed), None)
        content = packed.read_bytes()
    finally:
        packed.unlink(missing_ok=True)
    # a server that declares Content-Encoding: gzip has it unpacked on the way already
    Path(output).write_bytes(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"silent for {TIMEOUT:g} seconds"
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, EOFError, zlib.error)):
        return "sent only a part of the file"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    if isinstance(error, (gzip.BadGzipFile, ValueError)) and not isinstance(error, requests.RequestException):
        return "sent another file than the published one (its SHA-256 differs)"
    return str(error)
