"""A second checker of a whole log, written from docs/ and proto/ alone.

It shares no code with the program. It prints a short report, or names the first place that is not
as it must be and ends with 1."""

import argparse
import pathlib
import sys

from entries import hash_of, read_entry
from ledger import Ledger
from notes import Wrong, read_verifier_key
from rules import Rules
from segments import Segments
from tree import leaf_hash, read_export, root, roots

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("verifier_key", help="the log's, as it was at the founding: origin+hint+key")
parser.add_argument(
    "--tiles", type=pathlib.Path, metavar="DIR", help="what `fenrun log export DIR` wrote"
)
parser.add_argument(
    "--folder",
    type=pathlib.Path,
    metavar="DIR",
    help="a data folder that nothing has open: its segments, and its blobs as attachments",
)
parser.add_argument(
    "--blobs", type=pathlib.Path, metavar="DIR", help="attachments, where there is no folder"
)


def replay(leaves, blobs, origin, key):
    """Every entry by itself and after those before it."""
    rules = Rules()
    ledger, recorded = Ledger(rules, blobs), 0
    for index, leaf in enumerate(leaves):
        entry = read_entry(leaf, index, recorded)
        try:
            rules.apply(entry)
            if index == 0 and (rules.origin, rules.log_keys[0][1]) != (origin, key):
                raise entry.wrong("the ledger was founded under another verifier key")
            if entry.kind == "start_valuation":
                ledger.roots[index + 1] = root(list(map(leaf_hash, leaves[: index + 1])))
            ledger.apply(entry)
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise entry.wrong(f"what it says or names cannot be followed: {error!r}") from None
        recorded = entry.recorded_ms
    return rules, ledger


def check_checkpoints(checkpoints, rules, leaves):
    """Each root, and the signatures of the keys in force: the one before the batch, where known,
    and the one after it."""
    found = list(roots(map(leaf_hash, leaves)))
    for place, checkpoint, before in checkpoints:
        size = checkpoint.size
        if size >= len(found) or found[size] != checkpoint.root:
            raise Wrong(
                f"{place}: the root of size {size} is {checkpoint.root.hex()}, "
                f"the entries give {found[size].hex() if size < len(found) else 'none'}"
            )
        for at in {max(before, 1), size}:
            key = [key for since, key in rules.log_keys if since <= at][-1]
            checkpoint.check(rules.origin, key, place)


def check_blobs(folder):
    """Every blob is stored under its own hash; a # in the name is an upload under way."""
    paths = [p for p in sorted(folder.glob("??/*")) if "#" not in p.name]
    for path in paths:
        if hash_of(path.read_bytes()).hex() != path.name:
            raise Wrong(f"blobs: {path.name}: the bytes have another hash")
    return len(paths)


def check(arguments):
    origin, key = read_verifier_key(arguments.verifier_key)
    checkpoints, leaves, exported = [], None, None
    if arguments.tiles:
        checkpoint, exported = read_export(arguments.tiles)
        checkpoints.append(("checkpoint", checkpoint, checkpoint.size))
    blobs = arguments.blobs
    if arguments.folder:
        segments = Segments(arguments.folder)
        leaves = segments.leaves
        checkpoints += segments.checkpoints
        blobs = blobs or arguments.folder / "blobs"
    if leaves is not None and exported is not None:
        for index, leaf in enumerate(exported):
            if leaves[index : index + 1] != [leaf]:
                raise Wrong(f"entry {index}: the export has another than the folder")
    leaves = exported if leaves is None else leaves
    rules, ledger = replay(leaves, blobs, origin, key)
    if arguments.folder and segments.ledger != rules.ledger:
        raise Wrong("segments: the headers name another ledger than entry 0 founds")
    check_checkpoints(checkpoints, rules, leaves)
    count = check_blobs(blobs) if blobs else 0
    print(
        f"entries      {len(leaves)}, signatures {len(leaves)}: verified; {len(rules.parties)} parties"
    )
    print(f"checkpoints  {len(checkpoints)}: verified; root {checkpoints[-1][1].root.hex()}")
    if blobs:
        print(f"blobs        {count}: each has the hash that it is named by")
    for at, pool, period, lines, output in filter(None, ledger.recomputed):
        print(
            f"settlement   entry {at}, {pool} {period}: equal; {lines} lines, output root {output.hex()}"
        )
    if left := ledger.recomputed.count(None):
        print(f"settlements  {left}: not recomputed, because no attachments were given")
    print(f"equal: {len(leaves)} entries, {len(ledger.recomputed) - left} settlements recomputed")


def main():
    arguments = parser.parse_args()
    if not arguments.tiles and not arguments.folder:
        parser.error("give --tiles, --folder or both")
    try:
        check(arguments)
    except Wrong as wrong:
        print(f"differs: {wrong}")
        sys.exit(1)


if __name__ == "__main__":
    main()
