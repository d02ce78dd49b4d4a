"""forge.py KIND EXPORT OUT [LOG_KEY [OPERATOR_KEY]]: copies a small export and puts a lie in it.

byte      one byte of an entry bundle is another, and nothing else
amount    an approved cost is one unit less; tree and checkpoint are made anew with the log's key
signed    the same, and the operator has signed the changed command

Keys are PKCS#8 PEM files. check.py has to find each of them."""

import base64
import pathlib
import shutil
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fenrun.v1 import command_pb2
from notes import COMMAND, dsse, hint
from tree import leaf_hash, levels, read_export, root, tile_path, tiles


def load(path) -> Ed25519PrivateKey:
    return load_pem_private_key(pathlib.Path(path).read_bytes(), None)


def lower_amount(leaves, operator_key):
    """Changes the first approved cost."""
    for index, leaf in enumerate(leaves):
        command = command_pb2.Command.FromString(leaf[105:])
        if (
            command.WhichOneof("action") == "approve_cost"
            and command.approve_cost.approved.minor_units
        ):
            command.approve_cost.approved.minor_units -= 1
            data, signature = command.SerializeToString(deterministic=True), leaf[41:105]
            if operator_key:
                signature = operator_key.sign(dsse(COMMAND, data))
            leaves[index] = leaf[:41] + signature + data
            return
    raise SystemExit("no cost was approved")


def write_export(out, origin, leaves, log_key):
    def write(name, data):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)

    for number, width in tiles(len(leaves)):
        bundle = leaves[256 * number : 256 * number + width]
        write(
            f"tile/entries/{tile_path(number, width)}",
            b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in bundle),
        )
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for level, nodes in enumerate(levels(hashes)[::8]):
        for number, width in tiles(len(nodes)):
            write(
                f"tile/{level}/{tile_path(number, width)}",
                b"".join(nodes[256 * number : 256 * number + width]),
            )
    text = f"{origin}\n{len(leaves)}\n{base64.b64encode(root(hashes)).decode()}\n"
    signed = hint(origin, log_key.public_key().public_bytes_raw()) + log_key.sign(text.encode())
    write("checkpoint", f"{text}\n\u2014 {origin} {base64.b64encode(signed).decode()}\n".encode())


kind, export, out, *keys = sys.argv[1:]
export, out = pathlib.Path(export), pathlib.Path(out)
shutil.copytree(export, out)
if kind == "byte":
    path = next(path for path in sorted((out / "tile/entries").rglob("*")) if path.is_file())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
else:
    checkpoint, leaves = read_export(export)
    lower_amount(leaves, load(keys[1]) if kind == "signed" else None)
    write_export(out, checkpoint.origin, leaves, load(keys[0]))
