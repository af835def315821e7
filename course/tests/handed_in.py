"""Submissions as students make them, and zips as their systems do."""

import json
import struct
import zipfile
import zlib
from pathlib import Path

CODE = '''"""과제"""
import torch

HALF = 0.5

def loss(z, log_det):
    """손실 함수"""
    return (HALF * z.square().sum(1) - log_det).mean()

def dequantize(x, values, noise):
    return (x + noise) / values
'''

METRICS = b'{"epoch": 1, "train": 3.0, "validation": 3.1}\n{"epoch": 2, "train": 2.5, "validation": 2.6}\n'


def files(student: str = "20231234", name: str = "홍길동", code: str = CODE) -> dict[str, bytes]:
    claims = {
        "id": student,
        "name": name,
        "bits_per_dim": 2.1,
        "values": 17,
        "epochs": 2,
        "seed": int(student) % 100000,
    }
    return {
        "submission.py": code.encode(),
        "weights.safetensors": f"weights of {student}".encode(),
        "metrics.jsonl": METRICS,
        "report.json": json.dumps(claims, ensure_ascii=False).encode(),
        "report.md": "# 분석\n학습 곡선이 내려갑니다.\n".encode(),
        "writeup.md": "# 이론\n변수 변환 공식\n".encode(),
        **{f"{figure}.png": b"\x89PNG" for figure in ("loss", "samples", "temperature", "interpolation")},
    }


def folder(place: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def zipped(place: Path, content: dict[str, bytes], *, day: int = 1) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, day, 12, 0, 0)), data)
    return place


def raw_zip(place: Path, content: dict[bytes, bytes], *, flags: int = 0) -> Path:
    """A zip whose names are these very bytes, as programs write them that declare no encoding."""
    body, directory = b"", b""
    for name, data in content.items():
        fields = struct.pack(
            "<HHHHHIIIHH", 20, flags, 0, 0, 0x5761, zlib.crc32(data), len(data), len(data), len(name), 0
        )
        directory += (
            b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        )
        body += b"PK\x03\x04" + fields + name + data
    count = len(content)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    place.write_bytes(body + directory + end)
    return place
