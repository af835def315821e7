"""The Hugging Face hub: folders of models, by huggingface_hub, which is imported when it is asked for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diffeo.system.documents import shortened

FILES = ("config.json", "model.safetensors")
HTTP_LIBRARIES = ("httpx", "httpx2", "requests")  # one of them is huggingface_hub's, by its version
LARGEST = {"config.json": 4 << 20, "model.safetensors": 4 << 30}  # bytes that are fetched
REVISION = re.compile(r"\w[\w./-]{0,199}")
ADDRESS = re.compile(r"hf:/*(?P<repository>[^/@\s]+/[^/@\s]+?)(?:@(?P<revision>\S+))?/?")


def is_address(text: str) -> bool:
    """Whether it begins as an address of the hub does; a :class:`~pathlib.Path` of one has lost a slash.

    Example:
        >>> is_address("hf://someone/glow-faces"), is_address("runs/glow-faces")
        (True, False)
    """
    return text.startswith("hf:/")


def download(address: str) -> Path:
    """The folder of a repository's model in the hub's cache; it is fetched where it is not there.

    Raises:
        ValueError: if the address is not of the form ``hf://USER/NAME``.
        FileNotFoundError: if there is no such repository, or no model in it.
        OSError: if the hub does not give it.
        ImportError: if huggingface_hub is not installed.
    """
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"expected hf://USER/NAME or hf://USER/NAME@REVISION, got {shortened(address, most=200)!r}")
    repository, revision = found["repository"], found["revision"]
    if revision is not None and (not REVISION.fullmatch(revision) or ".." in revision):
        raise ValueError(f"{shortened(revision, most=200)!r} is no name of a revision. Use a branch, a tag or a commit")
    library = _library()
    with _in_one_line(library, shortened(f"hf://{repository}" + (f"@{revision}" if revision else ""), most=200)):
        _check_sizes(library, repository, revision)
        place = Path(library.snapshot_download(repository, revision=revision, allow_patterns=list(FILES)))
    for name in FILES:
        if not (place / name).is_file():
            raise FileNotFoundError(
                f"hf://{repository} holds no model of diffeo: {name} is missing. One is made by flow.push_to_hub"
            )
    return place


def _check_sizes(library: Any, repository: str, revision: str | None) -> None:
    """Ask how large the files are before any is fetched; where the hub is not reached, what is in the cache is opened.

    Raises:
        ValueError: if one is larger than a model's file should be.
    """
    errors = library.errors
    for name, largest in LARGEST.items():
        try:
            size = library.get_hf_file_metadata(library.hf_hub_url(repository, name, revision=revision)).size
        except (errors.EntryNotFoundError, errors.HfHubHTTPError):  # said by what fetches them, as it says it
            return
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in HTTP_LIBRARIES and not isinstance(error, OSError):
                raise
            return
        if size is not None and size > largest:
            raise ValueError(
                f"hf://{repository}: {name} has {size:,} bytes, and at most {largest:,} are fetched. To open it "
                f"nevertheless: hf download {repository} {' '.join(FILES)} --local-dir {repository.partition('/')[2]}"
            )


def upload(folder: Path, repository: str, *, private: bool | None, token: str | None, message: str) -> str:
    """Commit a folder's files to a repository, which is made if there is none; gives the commit's address.

    Raises:
        ValueError: if `repository` is no ``USER/NAME``.
        OSError: if the hub refuses.
        ImportError: if huggingface_hub is not installed.
    """
    if not re.fullmatch(r"[^/@\s]+/[^/@\s]+", repository):
        raise ValueError(f"expected USER/NAME, got {repository!r}")
    library = _library()
    api = library.HfApi(token=token)
    with _in_one_line(library, repository):
        api.create_repo(repository, private=private, exist_ok=True)
        done = api.upload_folder(folder_path=folder, repo_id=repository, commit_message=message)
    return str(done.commit_url)


def _library() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise ImportError('the hub needs huggingface_hub. Install it with: pip install "diffeo[hub]"') from error
    return huggingface_hub


@contextmanager
def _in_one_line(library: Any, what: str) -> Iterator[None]:
    """Errors of the hub as one line that says what to do."""
    errors = library.errors
    try:
        yield
    except errors.RevisionNotFoundError as error:
        raise FileNotFoundError(f"{what}: the repository has no such revision. Leave it out for the newest") from error
    except errors.RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"{what}: the hub has no such repository, or does not show it to you. Check the name, or log in with: "
            f"hf auth login"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise FileNotFoundError(
            f"{what} is not in the hub's cache, and the hub cannot be reached. Try again when the connection is back"
        ) from error
    except errors.HFValidationError as error:
        raise ValueError(f"{what} is no name of a repository: {shortened(str(error), most=300)}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        advice = " Log in with: hf auth login" if status in (401, 403) else ""
        raise OSError(f"{what}: the hub answered {status}.{advice}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in HTTP_LIBRARIES:
            raise
        raise OSError(f"{what}: the hub cannot be reached. Try again when the connection is back") from error
