"""What a student's number decides, so that no two hand in the same figures."""

from typing import Literal, get_args

Ablation = Literal["masks", "layers", "dequantization"]
ABLATIONS: tuple[Ablation, ...] = get_args(Ablation)
SEEDS = 100_000


def seed_of(student: str) -> int:
    """The seed of a student's training: the number's digits modulo 100,000.

    Raises:
        ValueError: if there is no digit in it.

    Example:
        >>> seed_of("20231234")
        31234
    """
    digits = "".join(letter for letter in student if letter in "0123456789")
    if not digits:
        raise ValueError(f"a student id has digits, got {student!r}. Give one like 20231234.")
    return int(digits) % SEEDS


def ablation_of(student: str) -> Ablation:
    """What a student leaves out in the second training: the seed modulo 3 chooses.

    Example:
        >>> ablation_of("20231234")
        'layers'
    """
    return ABLATIONS[seed_of(student) % len(ABLATIONS)]
