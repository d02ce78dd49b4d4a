"""read_log.py PAGE: verifies the files that are printed at the end of docs/format.md.
read_log.py FOLDER VERIFIER_KEY: verifies the log in a data folder that nothing has open.

Written from docs/format.md alone; shares no line with the program."""
import base64, hashlib, pathlib, re, struct, sys

import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

def table(polynomial=0x82F63B78):
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (polynomial if byte & 1 else 0)
        yield byte

TABLE = list(table())

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

class Tree:
    """The roots of the complete subtrees, largest first, and their sizes."""
    def __init__(self):
        self.size, self.roots = 0, []
    def push(self, leaf):
        node, self.size = sha256(b"\0", leaf), self.size + 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            node = sha256(b"\1", self.roots.pop(), node)
        self.roots.append(node)
    def root(self):
        *rest, node = self.roots or [sha256()]
        for left in reversed(rest):
            node = sha256(b"\1", left, node)
        return node

def check_entry(leaf, ledger, index):
    version, key, signature, command = leaf[0], leaf[9:41], leaf[41:105], leaf[105:]
    assert version == 1 and (index > 0 or blake3.blake3(command).digest() == ledger)
    kind = b"application/vnd.fenrun.command.v1+protobuf"
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(command), command)
    Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    return struct.unpack(">Q", leaf[1:9])[0]

def check_note(note, tree, verifier_key):
    origin, hint, key = verifier_key.split("+", 2)
    key = base64.b64decode(key)
    assert sha256(origin.encode(), b"\n", key)[:4].hex() == hint
    text, lines = note.decode().rsplit("\n\n", 1)
    assert text == f"{origin}\n{tree.size}\n{base64.b64encode(tree.root()).decode()}"
    dash, name, signature = lines.split("\n")[0].split(" ")
    signature = base64.b64decode(signature)
    assert (dash, name, signature[:4].hex()) == ("\u2014", origin, hint)
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], (text + "\n").encode())

def check_segment(number, file, state):
    """Walks through one segment; returns whether it ends with a footer."""
    tree, zeros_from = state["tree"], lambda at: file.count(0, at) == len(file) - at
    magic, version, name, size, ledger, first, last_note = struct.unpack("<8sIIQ32sQ32s", file[:96])
    assert (magic, version, name, size) == (b"FENRUNSG", 1, number, len(file))
    assert struct.unpack("<I", file[508:512])[0] == crc32c(file[:508])
    assert (first, last_note) == (tree.size, state["last_note"])
    at = start = 512
    while at < len(file):
        length, kind = struct.unpack("<IB", file[at:at + 5])
        if length == 0:
            assert at % 512 == 0 and zeros_from(at)
            return False
        end = at + 5 + length
        held, covered = file[at + 5:end], struct.pack("<IQ", number, at) + file[at:end]
        assert struct.unpack("<I", file[end:end + 4])[0] == crc32c(covered), f"frame at {at}"
        begin, at = at, end + 4
        sector = -(-at // 512) * 512
        if kind == 4:
            start, (index, entries, batch) = begin, struct.unpack("<QII", held)
            assert index == tree.size and start % 512 == 0
        elif kind == 1:
            recorded = check_entry(held, ledger, tree.size)
            assert recorded >= state["recorded"]
            state["recorded"] = recorded
            tree.push(held)
        elif kind == 2:
            check_note(held, tree, state["verifier_key"])
            assert tree.size == index + entries and sector == start + batch
            state["last_note"], at = sha256(held), sector
        elif kind == 5:
            size, last_note, count = struct.unpack("<Q32sB", held[:41])
            assert (size, last_note) == (tree.size, state["last_note"])
            assert held[41:] == b"".join(tree.roots) and count == len(tree.roots)
            assert zeros_from(at)
            return True
        else:
            raise AssertionError(f"a frame of kind {kind}")
    return False

def check_log(segments, verifier_key):
    state = {"tree": Tree(), "last_note": bytes(32), "recorded": 0, "verifier_key": verifier_key}
    goes_on = True
    for number, file in enumerate(segments):
        if file.count(0) == len(file):
            goes_on = False
            continue
        assert goes_on, "a segment follows one without a footer"
        goes_on = check_segment(number, file, state)
    print(f"log: {state['tree'].size} entries, root {state['tree'].root().hex()}: verified")

def printed_files(page):
    for block in re.findall(r"```text\n(segments/\S+) \((\d+) bytes\)\n(.*?)```", page, re.DOTALL):
        file = bytearray(int(block[1]))
        for offset, row in (line.split() for line in block[2].splitlines()):
            row = bytes.fromhex(row)
            file[int(offset, 16):int(offset, 16) + len(row)] = row
        yield bytes(file)

assert crc32c(b"123456789") == 0xE3069283
if len(sys.argv) == 2:
    text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    check_log(printed_files(text), re.search(r"\nverifier key\n(\S+)\n", text)[1])
else:
    files = sorted(pathlib.Path(sys.argv[1], "segments").glob("*.seg"))
    check_log((file.read_bytes() for file in files), sys.argv[2])
