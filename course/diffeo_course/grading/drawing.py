"""What is drawn for a hand-in: by a key that it never sees, so that nothing in it can be made to fit."""

import hashlib
import math
import secrets
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SHORTEST, LONGEST = 8, 1000  # letters of a key


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_hex(16)


def key_in(path: Path) -> str:
    """The key in a file; a new one is drawn and written where there is no file.

    Raises:
        ValueError: if what is in it is too short to be kept secret, or no text.
    """
    from diffeo.system.writing import write_atomically

    if not path.exists():
        write_atomically(path, f"{new_key()}\n".encode())
        path.chmod(0o600)
    try:
        with path.open("rb") as file:
            key = file.read(4 * LONGEST + 1).decode().strip()
    except UnicodeDecodeError:
        key = ""
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(
            f"{path}: expected a key of {SHORTEST} to {LONGEST:,} letters, got {len(key):,}. "
            "Remove the file, and a key is drawn; points can then differ within what is drawn."
        )
    return key


class Draw:
    """Numbers that follow from a key and a program; without the key nothing is known of them.

    Args:
        key: the lecturer's.
        program: source code: another one gets other numbers.

    Example:
        >>> bool((Draw("a key", "x = 1").uniform("noise", 3) == Draw("a key", "x = 1").uniform("noise", 3)).all())
        True
    """

    def __init__(self, key: str, program: str):
        self._secret = b"\0".join(hashlib.sha256(part.encode("utf-8", "replace")).digest() for part in (key, program))

    def _bytes(self, purpose: str, number: int) -> bytes:
        return hashlib.shake_256(self._secret + purpose.encode()).digest(number)

    def seed(self, purpose: str) -> int:
        """A seed of 48 bits."""
        return int.from_bytes(self._bytes(purpose, 6), "big")

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Numbers in [0, 1), float32."""
        drawn = np.frombuffer(self._bytes(purpose, 4 * math.prod(shape)), "<u4") >> 8
        return torch.from_numpy(drawn.astype(np.float32) / np.float32(1 << 24)).reshape(shape)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Standard normal numbers, float64."""
        drawn = np.frombuffer(self._bytes(purpose, 8 * math.prod(shape)), "<u8") >> 11
        numbers: Tensor = torch.special.ndtri((torch.from_numpy(drawn.astype(np.float64)) + 0.5) / (1 << 53))
        return numbers.reshape(shape)

    def order(self, purpose: str, number: int) -> Tensor:
        """The numbers 0 .. `number` - 1 in an order."""
        drawn = np.frombuffer(self._bytes(purpose, 8 * number), "<u8")
        return torch.from_numpy(np.argsort(drawn, kind="stable").copy())
