"""Saved flows: to a folder and back, to the hub and back."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from diffeo.models import hub
from diffeo.saving import io

P = TypeVar("P", bound="Pretrained")

README_FILE = "README.md"


class Pretrained(nn.Module):
    """How a flow is saved, opened and published. :class:`~diffeo.Flow` builds on it."""

    def save_pretrained(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write ``config.json`` and ``model.safetensors``; refuses a folder that holds a model, unless `overwrite`."""
        return io.save(self, folder, overwrite=overwrite)

    @classmethod
    def from_pretrained(cls: type[P], where: str | os.PathLike[str], *, device: torch.device | str | None = None) -> P:
        """Open a saved flow, in evaluation mode.

        Args:
            where: what :func:`diffeo.load` takes: a folder, a model that ships, ``hf://USER/NAME``; and where there is
                no such folder, ``USER/NAME`` alone, as in other libraries of the hub.
            device: where the flow is wanted.

        Example:
            >>> import diffeo
            >>> flow = diffeo.RealNVP.from_pretrained("realnvp-moons")
            >>> flow.sample(5).shape
            torch.Size([5, 2])
        """
        text = os.fspath(where)
        at_hub = (
            isinstance(where, str) and re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(@\S+)?", text) and not os.path.exists(text)
        )
        try:
            flow = io.load(f"hf://{text}" if at_hub else where, device=device)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"there is no folder {text}; {error}" if at_hub else str(error)) from error
        if not isinstance(flow, cls):
            raise ValueError(f"{where} holds a {type(flow).__name__}, not a {cls.__name__}. diffeo.load opens any")
        return flow

    def push_to_hub(
        self,
        repo_id: str,
        *,
        card: str = "",
        license: str | None = None,
        private: bool | None = None,
        token: str | None = None,
        commit_message: str = "Upload a flow",
    ) -> str:
        """Publish the flow at the Hugging Face hub: ``diffeo.load("hf://USER/NAME")`` opens it.

        Writes ``config.json``, ``model.safetensors`` and a model card, ``README.md``, in one commit. It needs
        huggingface_hub (``pip install "diffeo[hub]"``) and a login (``hf auth login``), or a token.

        Args:
            repo_id: ``USER/NAME``; it is made if there is none.
            card: what a reader should know, in Markdown: the data and its licence, what was measured.
            license: of the model, as the hub names it: mit, cc-by-sa-3.0, ..
            private: whether a new repository is hidden from others.
            token: of your account; the login's, if not given.
            commit_message: what the commit is called.

        Returns:
            The commit's address.

        Raises:
            ValueError: if `repo_id` is no ``USER/NAME``.
            OSError: if the hub refuses.
            ImportError: if huggingface_hub is not installed.
        """
        with tempfile.TemporaryDirectory() as place:
            folder = self.save_pretrained(place)
            (folder / README_FILE).write_text(readme(self, repo_id, card=card, license=license), encoding="utf-8")
            return hub.upload(folder, repo_id, private=private, token=token, message=commit_message)


def readme(flow: nn.Module, repo_id: str, *, card: str = "", license: str | None = None) -> str:
    """A model card as the hub reads it: what is for machines between dashes, then Markdown."""
    import yaml

    kind, shape = type(flow).__name__, tuple(getattr(flow, "shape", ()))
    about: dict[str, Any] = {"library_name": "diffeo", "tags": ["normalizing-flow", "density-estimation", kind.lower()]}
    if license is not None:
        about["license"] = license
    if len(shape) == 3:
        about["pipeline_tag"] = "unconditional-image-generation"
    parameters = sum(parameter.numel() for parameter in flow.parameters())
    return "\n".join(
        [
            "---",
            yaml.safe_dump(about, sort_keys=False).strip(),
            "---",
            "",
            f"# {repo_id.partition('/')[2]}",
            "",
            f"A normalizing flow, {kind}, of rows of shape {shape}, with {parameters:,} parameters. It opens with "
            "diffeo:",
            "",
            "```python",
            "import diffeo",
            "",
            f'flow = diffeo.load("hf://{repo_id}")',
            "x = flow.sample(16)",
            "```",
            "",
            *([card.strip(), ""] if card.strip() else []),
            "## Layers",
            "",
            "```",
            repr(flow),
            "```",
            "",
        ]
    )
