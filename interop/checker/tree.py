"""The tree of RFC 6962, and the static tiles of C2SP tlog-tiles, from docs/format.md."""

import hashlib
import struct

from notes import Wrong, read_checkpoint


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def levels(hashes):
    """For each level, from the leaves up, the hashes of its complete subtrees."""
    found = [hashes]
    while len(found[-1]) > 1:
        below = found[-1]
        found.append(
            [
                hashlib.sha256(b"\1" + below[i] + below[i + 1]).digest()
                for i in range(0, len(below) - 1, 2)
            ]
        )
    return found


def push(nodes, size, node):
    """Adds the leaf hash with this number, from 1, to the roots of the complete subtrees."""
    while size % 2 == 0:
        node, size = hashlib.sha256(b"\1" + nodes.pop() + node).digest(), size // 2
    nodes.append(node)


def subtree_roots(hashes):
    """The roots of the complete subtrees, largest first."""
    nodes = []
    for size, node in enumerate(hashes, 1):
        push(nodes, size, node)
    return nodes


def roots(hashes):
    """The root of each size, from nothing to all: the subtrees joined from the smallest up."""
    nodes = []
    yield hashlib.sha256().digest()
    for size, node in enumerate(hashes, 1):
        push(nodes, size, node)
        joined = nodes[-1]
        for left in nodes[-2::-1]:
            joined = hashlib.sha256(b"\1" + left + joined).digest()
        yield joined


def root(hashes):
    *_, last = roots(hashes)
    return last


def tile_path(number, width):
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return name if width == 256 else f"{name}.p/{width}"


def tiles(count):
    """Number and width of the tiles over so many hashes."""
    return [(n, min(256, count - 256 * n)) for n in range(-(-count // 256))]


def read_file(path, name):
    try:
        return path.read_bytes()
    except OSError:
        raise Wrong(f"{name}: not there") from None


def split_bundle(data, first, width, name):
    """The leaves of an entry bundle."""
    leaves, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            raise Wrong(f"{name}: entry {first + len(leaves)}: it ends inside a length")
        (length,) = struct.unpack_from(">H", data, at)
        leaf = data[at + 2 : at + 2 + length]
        if len(leaf) < length:
            raise Wrong(
                f"{name}: entry {first + len(leaves)}: it says {length} bytes and has {len(leaf)}"
            )
        leaves.append(leaf)
        at += 2 + length
    if len(leaves) != width:
        raise Wrong(f"{name}: {len(leaves)} entries, expected {width}")
    return leaves


def read_export(folder):
    """The checkpoint and the leaves; every tile is compared with what follows from the leaves."""
    checkpoint = read_checkpoint(read_file(folder / "checkpoint", "checkpoint"), "checkpoint")
    leaves = []
    for number, width in tiles(checkpoint.size):
        name = f"tile/entries/{tile_path(number, width)}"
        leaves += split_bundle(read_file(folder / name, name), 256 * number, width, name)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for level, nodes in enumerate(levels(hashes)[::8]):
        for number, width in tiles(len(nodes)):
            name = f"tile/{level}/{tile_path(number, width)}"
            data = read_file(folder / name, name)
            if len(data) != 32 * width:
                raise Wrong(f"{name}: {len(data)} bytes, expected {32 * width}")
            for i in range(width):
                if data[32 * i : 32 * i + 32] != nodes[256 * number + i]:
                    about = f"entry {256 * number + i}" if level == 0 else f"hash {i}"
                    raise Wrong(f"{name}: {about}: the tile has another hash than the entries give")
    if root(hashes) != checkpoint.root:
        raise Wrong(
            f"checkpoint: the root is {checkpoint.root.hex()}, the entries give {root(hashes).hex()}"
        )
    return checkpoint, leaves
