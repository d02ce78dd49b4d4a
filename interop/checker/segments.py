"""The segments of a data folder, frame by frame, from docs/format.md."""

import struct

from notes import Wrong, read_checkpoint
from tree import read_file

MAGIC, SECTOR = b"FENRUNSG", 512
ENTRY, CHECKPOINT, COSIGNATURES, BATCH, FOOTER = range(1, 6)


def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def frames(number, data, name):
    """Offset, kind and content of each frame; a length of zero at a sector is the end."""
    at = SECTOR
    while at + 9 <= len(data):
        length, kind = struct.unpack_from("<IB", data, at)
        if length == 0:
            if at % SECTOR == 0:
                return
            at += SECTOR - at % SECTOR
            continue
        held = data[at + 5 : at + 5 + length]
        covered = struct.pack("<IQ", number, at) + data[at : at + 5 + length]
        if data[at + 5 + length : at + 9 + length] != struct.pack("<I", crc32c(covered)):
            raise Wrong(f"{name} at {at}: the checksum of the frame is another")
        yield at, kind, held
        at += 9 + length
        if kind in (CHECKPOINT, COSIGNATURES, FOOTER):
            at += -at % SECTOR


def read_segments(folder):
    """The leaves, and every checkpoint with its place and the size before its batch."""
    leaves, checkpoints, before = [], [], 0
    for number, path in enumerate(sorted((folder / "segments").glob("*.seg"))):
        name = f"segments/{path.name}"
        data = read_file(path, name)
        if path.name != f"{number:010}.seg":
            raise Wrong(f"{name}: segment {number} is missing")
        if data.count(0) == len(data):
            break
        first = struct.unpack_from("<Q", data, 56)[0]
        if data[:8] != MAGIC or struct.unpack_from("<III", data, 8)[:2] != (1, number):
            raise Wrong(f"{name}: no header of segment {number}")
        if data[508:512] != struct.pack("<I", crc32c(data[:508])) or first != len(leaves):
            raise Wrong(f"{name}: the header's checksum or first index is another")
        for at, kind, held in frames(number, data, name):
            if kind == ENTRY:
                leaves.append(held)
            elif kind == CHECKPOINT:
                place = f"{name} at {at}"
                checkpoint = read_checkpoint(held, place)
                if checkpoint.size != len(leaves):
                    raise Wrong(
                        f"{place}: a checkpoint of size {checkpoint.size} after {len(leaves)} entries"
                    )
                checkpoints.append((place, checkpoint, before))
                before = len(leaves)
            elif kind not in (COSIGNATURES, BATCH, FOOTER):
                raise Wrong(f"{name} at {at}: a frame of kind {kind}")
    if not leaves:
        raise Wrong("segments: no entries")
    return leaves, checkpoints
