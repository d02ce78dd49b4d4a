"""The segments of a data folder, frame by frame, from docs/format.md."""

import hashlib
import struct

from notes import Wrong, read_checkpoint
from tree import leaf_hash, read_file, subtree_roots

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


def only_zeros(data, start, end, name):
    rest = data[start:end]
    if rest.count(0) != len(rest):
        raise Wrong(f"{name}: something stands in the zeros after {start}")


def frames(number, data, name):
    """Offset, kind, content and end of each frame; the end of a batch is that of its last sector."""
    at = SECTOR
    while at + 9 <= len(data):
        length, kind = struct.unpack_from("<IB", data, at)
        if length == 0 and at % SECTOR == 0:
            return only_zeros(data, at, len(data), name)
        held, end = data[at + 5 : at + 5 + length], at + 9 + length
        covered = struct.pack("<IQ", number, at) + data[at : at + 5 + length]
        if data[end - 4 : end] != struct.pack("<I", crc32c(covered)):
            raise Wrong(f"{name} at {at}: the checksum of the frame is another")
        if kind in (CHECKPOINT, COSIGNATURES, FOOTER):
            sector = len(data) if kind == FOOTER else end + -end % SECTOR
            only_zeros(data, end, sector, name)
            end = sector
        yield at, kind, held, end
        at = end


class Segments:
    """The leaves, and every checkpoint with its place and the size before its batch."""

    def __init__(self, folder):
        self.leaves, self.checkpoints, self.last_note, self.batch = [], [], bytes(32), None
        self.ledger, whole = None, True
        for number, path in enumerate(sorted((folder / "segments").glob("*.seg"))):
            name = f"segments/{path.name}"
            data = read_file(path, name)
            if path.name != f"{number:010}.seg":
                raise Wrong(f"{name}: segment {number} is missing")
            if data.count(0) == len(data):
                whole = False
                continue
            if not whole:
                raise Wrong(f"{name}: the segment before has no footer")
            self.header(number, data, name)
            whole = False
            for at, kind, held, end in frames(number, data, name):
                self.frame(kind, held, at, end, f"{name} at {at}")
                whole = kind == FOOTER
        if not self.leaves:
            raise Wrong("segments: no entries")

    def header(self, number, data, name):
        magic, version, own, size, ledger, first, note = struct.unpack_from("<8sIIQ32sQ32s", data)
        self.ledger = self.ledger or ledger
        if (magic, version, own, size) != (MAGIC, 1, number, len(data)):
            raise Wrong(f"{name}: no header of segment {number}")
        if data[508:512] != struct.pack("<I", crc32c(data[:508])):
            raise Wrong(f"{name}: the header's checksum is another")
        if (ledger, first, note) != (self.ledger, len(self.leaves), self.last_note):
            raise Wrong(f"{name}: the header does not continue the segment before")

    def frame(self, kind, held, at, end, place):
        if kind == BATCH:
            if at % SECTOR or len(held) != 16:
                raise Wrong(f"{place}: no batch starts so")
            self.batch = at, *struct.unpack("<QII", held)
            if self.batch[1] != len(self.leaves):
                raise Wrong(f"{place}: a batch from entry {self.batch[1]} after {len(self.leaves)}")
        elif self.batch is None and kind != FOOTER:
            raise Wrong(f"{place}: a frame outside of a batch")
        elif kind == ENTRY:
            self.leaves.append(held)
        elif kind in (CHECKPOINT, COSIGNATURES):
            start, first, count, size = self.batch
            if (first + count, start + size) != (len(self.leaves), end):
                raise Wrong(f"{place}: the batch has other entries or bytes than its start says")
            if kind == CHECKPOINT:
                checkpoint = read_checkpoint(held, place)
                if checkpoint.size != len(self.leaves):
                    raise Wrong(f"{place}: a checkpoint of size {checkpoint.size}")
                self.checkpoints.append((place, checkpoint, first))
                self.last_note = hashlib.sha256(held).digest()
            self.batch = None
        elif kind == FOOTER:
            hashes = subtree_roots(map(leaf_hash, self.leaves))
            said = struct.pack("<Q", len(self.leaves)) + self.last_note + bytes([len(hashes)])
            if held != said + b"".join(hashes):
                raise Wrong(f"{place}: the footer is not that of the entries before it")
        else:
            raise Wrong(f"{place}: a frame of kind {kind}")
