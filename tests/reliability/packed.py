"""Changes inside packed and structured files, after which lengths and checksums are right again."""

import ast
import bz2
import contextlib
import gzip
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random

from reliability.mutations import changed, changed_json, changed_text

Change = Callable[[Random, Sequence[bytes]], bytes]
PNG = b"\x89PNG\r\n\x1a\n"
DTYPES = (
    "<f8",
    ">f4",
    "<i8",
    "|b1",
    "|u1",
    "<U9",
    "|S3",
    "<c16",
    "|O",
    "<M8[ns]",
    "<m8",
    "|V5",
    "<f2",
    "<f16",
    "<U1000000000",
)
SHAPES = ("()", "(0,)", "(0, 3)", "(3, 0)", "(1,)", "(-1, 3)", "(10**6, 3)", "(100000000, 0)", "(0, 100000000)",
"(2, 3, 4)",
          "(99999999999999999999,)", "(1.5, 2)", "(True, 3)", "3", "[5, 3]", "(60, 3)", "(3, 60)",
          "(1000000000,)")  # fmt: skip


def any_of(*changes: Change) -> Change:
    """One of several kinds of change."""
    return lambda rng, seeds: rng.choice(changes)(rng, seeds)


def gzipped(change: Change) -> Change:
    """A change before packing, or of what is packed."""

    def made(rng: Random, seeds: Sequence[bytes]) -> bytes:
        content = change(rng, seeds) if rng.random() < 0.7 else rng.choice(seeds)
        content = gzip.compress(content, mtime=0) + (gzip.compress(content, mtime=0) if rng.random() < 0.1 else b"")
        return changed(rng, [content]) if rng.random() < 0.5 else content

    return made


def packed(content: bytes, ending: str) -> bytes:
    """As the ending says."""
    if ending == ".zst":
        import pyarrow as pa

        return bytes(pa.Codec("zstd").compress(content))
    return {".gz": lambda c: gzip.compress(c, mtime=0), ".bz2": bz2.compress}.get(ending, lambda c: c)(content)


def npy(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """An array's file with another header, of the right length."""
    content = rng.choice(seeds)
    if rng.random() < 0.25 or content[:6] != b"\x93NUMPY":
        return changed(rng, seeds)
    version = content[6]
    start, form = (10, "<H") if version == 1 else (12, "<I")
    length = struct.unpack(form, content[8:start])[0]
    header, data = content[start : start + length].decode("latin-1"), content[start + length :]
    kind = rng.randrange(6)
    known = ast.literal_eval(header)
    descr, shape, order = repr(known["descr"]), repr(known["shape"]), known["fortran_order"]
    if kind == 0:
        descr = repr(rng.choice(DTYPES))
    elif kind == 1:
        shape = rng.choice(SHAPES).replace("10**6", "1000000")
    elif kind == 2:
        names = rng.choice((("a", "b"), ("a", "a"), ("",), ("한", "\u2028")))
        descr = repr([(name, rng.choice(DTYPES)) for name in names])
    elif kind == 3:
        depth = rng.choice((5, 100, 400, 3000))
        shape = "(" * depth + "1" + ",)" * depth
    elif kind == 4:
        data = changed(rng, [data])
    made = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    if kind == 5:
        made = changed_text(rng, [header.encode()]).decode("latin-1")
    if rng.random() < 0.2:
        version = rng.choice((1, 2, 3, 0, 4, 255))
        start, form = (10, "<H") if version == 1 else (12, "<I")
    raw = made.encode("utf-8", "surrogatepass")[: 2 ** (16 if version == 1 else 24) - 1]
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(form, len(raw)) + raw + data


def zipped(inside: Change) -> Change:
    """A zip with one entry changed and packed again; or other names, entries twice, fields of its headers."""

    def made(rng: Random, seeds: Sequence[bytes]) -> bytes:
        content = rng.choice(seeds)
        kind = rng.randrange(6)
        if kind == 0:
            return changed(rng, seeds)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [(name, archive.read(name)) for name in archive.namelist()]
        at = rng.randrange(len(entries))
        name, old = entries[at]
        if kind in (1, 2, 3):
            entries[at] = (name, inside(rng, [old]))
        elif kind == 4:
            new = rng.choice(
                (name + "x", "../" + name, "/" + name, "", "X.npy", "한글.npy", "a" * 5000, name.upper(), "\u2028")
            )
            entries[at] = (new, old)
        else:
            entries.insert(rng.randrange(len(entries) + 1), rng.choice((entries[at], ("y.npy", rng.randbytes(50)))))
        buffer = io.BytesIO()
        method = rng.choice(
            (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        )
        with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
            warnings.simplefilter("ignore")
            for name, data in entries:
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
        return _zip_fields(rng, buffer.getvalue()) if rng.random() < 0.3 else buffer.getvalue()

    return made


def _zip_fields(rng: Random, content: bytes) -> bytes:
    """A number in the central directory, or in a local header, replaced."""
    places = [content.find(mark) for mark in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06")]
    at = rng.choice([place for place in places if place >= 0]) + rng.choice(
        (4, 6, 8, 10, 14, 16, 18, 20, 22, 24, 26, 28, 42)
    )
    value = rng.choice((0, 1, 99, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, rng.randrange(2**32)))
    size = rng.choice((2, 4))
    return content[:at] + (value % (1 << 8 * size)).to_bytes(size, "little") + content[at + size :]


def safetensors(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """A file of tensors with another header, of the right length."""
    content = rng.choice(seeds)
    if rng.random() < 0.25:
        return changed(rng, seeds)
    length = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + length], content[8 + length :]
    if rng.random() < 0.15:
        data = changed(rng, [data])
    else:
        header = changed_json(rng, [header])
    return len(header).to_bytes(8, "little") + header + data


def png(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """A PNG with chunks changed, left out, doubled or moved, each with the right checksum."""
    if rng.random() < 0.25:
        return changed(rng, seeds)
    content = rng.choice(seeds)
    chunks, at = [], 8
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        chunks.append((kind, content[at + 8 : at + 8 + size]))
        at += 12 + size
    place = rng.randrange(len(chunks))
    kind, data = chunks[place]
    way = rng.randrange(7)
    if way == 0:
        del chunks[place]
    elif way == 1:
        chunks[place:place] = [chunks[place]] * rng.choice((1, 2, 500))
    elif way == 2:
        rng.shuffle(chunks)
    elif way == 3 and b"IHDR" in dict(chunks):
        header = bytearray(dict(chunks)[b"IHDR"])
        field, size = rng.choice(((0, 4), (4, 4), (8, 1), (9, 1), (10, 1), (12, 1)))
        value = rng.choice((0, 1, 2, 3, 4, 6, 7, 8, 16, 255, 5000, 30_000, 2**31 - 1, 2**32 - 1))
        header[field : field + size] = (value % (1 << 8 * size)).to_bytes(size, "big")
        chunks[0] = (b"IHDR", bytes(header))
    elif way == 4 and kind == b"IDAT":
        with contextlib.suppress(zlib.error):
            chunks[place] = (kind, zlib.compress(changed(rng, [zlib.decompress(data)])))
    elif way == 5:
        extra = (rng.choice((b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tRNS", b"PLTE", b"gAMA", b"pHYs", b"fdAT",
        b"acTL")),
                 rng.choice((b"", b"a\0\0" + zlib.compress(b"x" * 10**6), rng.randbytes(30), data[:40])))  # fmt: skip
        chunks.insert(rng.randrange(len(chunks) + 1), extra)
    else:
        chunks[place] = (kind, changed(rng, [data]))
    return PNG + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def footer(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """A Parquet file whose metadata, at its end, is changed, with the right length."""
    content = rng.choice(seeds)
    if rng.random() < 0.4 or content[-4:] != b"PAR1":
        return changed(rng, seeds)
    length = int.from_bytes(content[-8:-4], "little")
    head, metadata = content[: -8 - length], changed(rng, [content[-8 - length : -8]])
    return head + metadata + len(metadata).to_bytes(4, "little") + b"PAR1"


def matlab(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """A MATLAB 5 file, changed before its parts are packed."""
    content = rng.choice(seeds)
    kind = int.from_bytes(content[128:132], "little")
    if rng.random() < 0.5 or kind != 15:
        return changed(rng, seeds)
    size = int.from_bytes(content[132:136], "little")
    body = zlib.compress(changed(rng, [zlib.decompress(content[136 : 136 + size])]))
    return content[:128] + (15).to_bytes(4, "little") + len(body).to_bytes(4, "little") + body
