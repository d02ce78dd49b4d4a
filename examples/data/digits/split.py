#!/usr/bin/env python3
"""Splits the handwritten digits among five providers and a validation file.

Usage: python3 split.py digits.csv.gz

The input is the file that scikit-learn ships as sklearn/datasets/data/digits.csv.gz: 1,797 rows
of 64 pixels (0 to 16) and a label. Rows are put in an order drawn by SHA-256 from their numbers,
so the answer is the same with every version of Python; nothing else is random.
"""

import csv
import gzip
import hashlib
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
HEADER = [f"p{pixel}" for pixel in range(64)] + ["label"]

VALIDATION_ROWS = 300
OWN_ROWS = {
    "lin-school": 560,
    "harbor-lab": 430,
    "orchid-studio": 80,
    "copycat": 120,
    "hasty-labels": 307,
}
# copycat adds exact copies of rows of lin-school; hasty-labels gets labels wrong.
COPIES = 150
WRONG_LABELS = 92


def draw(purpose, row):
    """A number that depends on nothing but the purpose and the row's number."""
    return int.from_bytes(hashlib.sha256(f"fenrun digits {purpose} {row}".encode()).digest(), "big")


def shuffled(purpose, rows):
    return sorted(rows, key=lambda row: draw(purpose, row))


def write(name, lines):
    with open(HERE / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(lines)


def main(path):
    with gzip.open(path, "rt", newline="") as file:
        digits = [[int(cell) for cell in line] for line in csv.reader(file)]
    assert len(digits) == VALIDATION_ROWS + sum(OWN_ROWS.values())
    order = shuffled("split", range(len(digits)))
    write("validation", [digits[row] for row in order[:VALIDATION_ROWS]])
    rows, start = {}, VALIDATION_ROWS
    for name, count in OWN_ROWS.items():
        rows[name] = order[start:start + count]
        start += count
    copied = shuffled("copy", rows["lin-school"])[:COPIES]
    rows["copycat"] = shuffled("mix", rows["copycat"] + copied)
    wrong = set(shuffled("wrong", rows["hasty-labels"])[:WRONG_LABELS])
    for name, numbers in rows.items():
        lines = [list(digits[row]) for row in numbers]
        if name == "hasty-labels":
            for row, line in zip(numbers, lines):
                if row in wrong:
                    line[-1] = (line[-1] + 1 + draw("label", row) % 9) % 10
        write(name, lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
