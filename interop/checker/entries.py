"""An entry: its leaf, its command in the one canonical form, its signature; docs/format.md."""

from dataclasses import dataclass

from blake3 import blake3
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from fenrun.v1 import command_pb2
from notes import COMMAND, Wrong, dsse, verify

MAX_COMMAND = 65_430


def hash_of(data):
    return blake3(data).digest()


def thing_id(command_id, number):
    """The id of the n-th thing that a command makes."""
    context = blake3(derive_key_context="fenrun v1 thing")
    return context.update(command_id + number.to_bytes(4, "big")).digest()


@dataclass
class Entry:
    index: int
    recorded_ms: int
    key: bytes
    command_id: bytes
    command: object
    kind: str

    @property
    def action(self):
        return getattr(self.command, self.kind)

    def wrong(self, what):
        return Wrong(f"entry {self.index} ({self.kind}): {what}")


def has_unknown(message):
    """Whether a message, or one inside of it, has a field that the protos do not know."""
    if len(UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if field.message_type is not None:
            if any(has_unknown(m) for m in (value if field.is_repeated else [value])):
                return True
    return False


def canonical_message(kind, data, place):
    """Reads a message of which only the form that generated code writes is allowed."""
    try:
        message = kind.FromString(data)
    except DecodeError:
        raise Wrong(f"{place}: no {kind.DESCRIPTOR.name} can be read from its bytes") from None
    if has_unknown(message) or message.SerializeToString(deterministic=True) != data:
        raise Wrong(f"{place}: the {kind.DESCRIPTOR.name} is not in its canonical form")
    return message


def read_entry(leaf, index, earlier_ms):
    """Everything about an entry that can be said without those before it, but for its time."""
    place = f"entry {index}"
    if not 106 <= len(leaf) <= 105 + MAX_COMMAND:
        raise Wrong(f"{place}: a leaf of {len(leaf)} bytes")
    if leaf[0] != 1:
        raise Wrong(f"{place}: version {leaf[0]}")
    recorded, key, signature, data = (
        int.from_bytes(leaf[1:9], "big"),
        leaf[9:41],
        leaf[41:105],
        leaf[105:],
    )
    if recorded < earlier_ms:
        raise Wrong(f"{place}: recorded at {recorded}, the entry before at {earlier_ms}")
    if not verify(key, signature, dsse(COMMAND, data)):
        raise Wrong(f"{place}: the signature is not the key's over this command")
    if bytes(256) in data:
        raise Wrong(f"{place}: 256 zero bytes in a row")
    command = canonical_message(command_pb2.Command, data, place)
    kind = command.WhichOneof("action")
    if kind is None:
        raise Wrong(f"{place}: no action")
    return Entry(index, recorded, key, hash_of(data), command, kind)
