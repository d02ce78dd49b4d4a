"""roots.py EXPORT: computes the root of an exported log with pymerkle and compares it with the
checkpoint there; every inclusion proof of its last entry's tree must verify, too."""
import base64, pathlib, struct, sys

from pymerkle import InmemoryTree, verify_inclusion

export = pathlib.Path(sys.argv[1])
_, size, root = (export / "checkpoint").read_text().split("\n")[:3]
size, root = int(size), base64.b64decode(root)

def path(number):
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at:at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])

def leaves():
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        name = path(number) + (f".p/{width}" if width < 256 else "")
        bundle = (export / "tile/entries" / name).read_bytes()
        at = 0
        while at < len(bundle):
            (length,) = struct.unpack_from(">H", bundle, at)
            yield bundle[at + 2:at + 2 + length]
            at += 2 + length

tree = InmemoryTree(algorithm="sha256")
for leaf in leaves():
    tree.append_entry(leaf)
assert tree.get_size() == size and tree.get_root() == root, "pymerkle finds another root"
for index in range(1, size + 1, 37):
    verify_inclusion(tree.get_leaf(index), root, tree.prove_inclusion(index, size))
print(f"python: pymerkle finds the root of {size} entries")
