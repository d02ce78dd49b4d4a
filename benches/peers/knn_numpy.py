"""Row KNN-Shapley by numpy, in blocks of validation rows: the baseline of `benches/knn.rs`.

Distances come from a matrix product, rows are put in order by argsort (of equal distances either
may come first, which is quicker than the order our format prescribes), values by a cumulative sum.

Reads a folder with train.f64, train.labels.u32, validation.f64 and validation.labels.u32 and prints
the seconds that valuing took, reading left out, and the sum of the values.
"""

import sys
import time

import numpy as np

BLOCK = 64


def values(train, labels, validation, validation_labels, k):
    rows = len(train)
    share = 1.0 / np.maximum(k, np.arange(1, rows + 1))
    squares = np.einsum("ij,ij->i", train, train)
    sums = np.zeros(rows)
    for first in range(0, len(validation), BLOCK):
        block = validation[first : first + BLOCK]
        distances = squares[None, :] - 2.0 * (block @ train.T)
        order = np.argsort(distances, axis=1)
        matches = labels[order] == validation_labels[first : first + BLOCK, None]
        changes = matches.astype(np.float64)
        changes[:, :-1] -= matches[:, 1:]
        changes *= share
        value = np.cumsum(changes[:, ::-1], axis=1)[:, ::-1]
        for at, of_point in zip(order, value):
            sums[at] += of_point
    return sums / len(validation)


def main():
    folder, features, k = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    read = lambda name, kind: np.fromfile(f"{folder}/{name}", dtype=kind)
    train = read("train.f64", "<f8").reshape(-1, features)
    validation = read("validation.f64", "<f8").reshape(-1, features)
    labels = read("train.labels.u32", "<u4")
    validation_labels = read("validation.labels.u32", "<u4")
    begin = time.perf_counter()
    found = values(train, labels, validation, validation_labels, k)
    print(time.perf_counter() - begin, found.sum())


if __name__ == "__main__":
    main()
