"""Writes every command of the vectors with Python's protobuf library and compares the bytes.

Usage: commands.py commands.json, with the generated stubs on PYTHONPATH.
"""

import json
import sys

from google.protobuf import json_format

from fenrun.v1.command_pb2 import Command


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        vectors = json.load(file)
    for number, vector in enumerate(vectors):
        expected = bytes.fromhex(vector["hex"])
        from_json = json_format.ParseDict(vector["json"], Command())
        from_bytes = Command.FromString(expected)
        for command in (from_json, from_bytes):
            written = command.SerializeToString()
            if written != expected:
                sys.exit(
                    f"python: vector {number}, {vector['action']}: "
                    f"wrote {written.hex()}, not {expected.hex()}"
                )
    print(f"python: {len(vectors)} commands written alike")


if __name__ == "__main__":
    main()
