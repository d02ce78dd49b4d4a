"""Signatures: strict Ed25519, DSSE and C2SP signed notes, from docs/format.md."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COMMAND = b"application/vnd.fenrun.command.v1+protobuf"
POSSESSION = b"application/vnd.fenrun.possession.v1+protobuf"
APPLICATION = b"application/vnd.fenrun.application.v1+protobuf"

# The field, the order of the group, and the curve's d: RFC 8032, section 5.1.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
# The y of the eight points of small order: 1 has order 1, -1 has 2, 0 has 4, the two others have 8.
# A point of order 8 doubles to one with y = 0: so x*x = -y*y, and by the curve D*y^4 + 2*y^2 = 1.
Y8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
assert (D * Y8**4 + 2 * Y8**2 - 1) % P == 0
SMALL_ORDER = {0, 1, P - 1, Y8, P - Y8}


class Wrong(Exception):
    """Something that was checked and is not as it must be."""


def strict_point(data):
    """Whether these 32 bytes are canonical and no point of small order."""
    y = int.from_bytes(data, "little") & (1 << 255) - 1
    return y < P and y not in SMALL_ORDER


def verify(key, signature, message):
    """Ed25519 by the strict rule; the library refuses points off the curve, checks the equation."""
    if len(key) != 32 or len(signature) != 64:
        return False
    if not strict_point(key) or not strict_point(signature[:32]):
        return False
    if int.from_bytes(signature[32:], "little") >= L:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def dsse(kind, payload):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def hint(origin, key):
    return hashlib.sha256(origin.encode() + b"\n\x01" + key).digest()[:4]


def read_verifier_key(text):
    """The origin and the public key of `origin+hint+base64(0x01, key)`."""
    try:
        origin, named, data = text.split("+", 2)
        data = base64.b64decode(data, validate=True)
    except ValueError:
        raise Wrong("the verifier key is not of the form origin+hint+base64") from None
    if len(data) != 33 or data[0] != 1 or hint(origin, data[1:]).hex() != named:
        raise Wrong("the verifier key is none of an Ed25519 key, or its hint is another's")
    return origin, data[1:]


@dataclass
class Checkpoint:
    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: list

    def check(self, origin, key, place):
        """Raises unless the note is of this origin and this key has signed it."""
        if self.origin != origin:
            raise Wrong(f"{place}: the origin is {self.origin}, expected {origin}")
        ours = [
            s[4:] for name, s in self.signatures if name == origin and s[:4] == hint(origin, key)
        ]
        if not any(verify(key, signature, self.text) for signature in ours):
            raise Wrong(f"{place}: the log's key has not signed it")


def read_checkpoint(note, place):
    try:
        text, lines = note.decode().split("\n\n", 1)
        origin, size, root = text.split("\n")
        if not lines.endswith("\n") or str(int(size)) != size:
            raise ValueError("its form")
        signatures = []
        for line in lines[:-1].split("\n"):
            dash, name, data = line.split(" ")
            if dash != "\u2014":
                raise ValueError("a line without a signature")
            signatures.append((name, base64.b64decode(data, validate=True)))
        root = base64.b64decode(root, validate=True)
        return Checkpoint(origin, int(size), root, text.encode() + b"\n", signatures)
    except ValueError as error:
        raise Wrong(f"{place}: no checkpoint note: {error}") from None
