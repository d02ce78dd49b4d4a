"""Exact Shapley values by a fold with numpy: the baseline of `benches/games.rs`.

The table is weighted by size of coalition; its upper half answers for the last player and is
added to the lower half, which answers for the one before, and so on. In floating point, which is
quicker than the integers of our format and less exact.

Reads a file of 2^n utilities in billionths, 64-bit little-endian integers by bit mask, and prints
the seconds that the median of five runs took, reading and counting bits left out, and the sum of
the values.
"""

import math
import sys
import time

import numpy as np


def values(utilities, sizes, players):
    weight = [1 / (players * math.comb(players - 1, s)) for s in range(players)]
    without = np.array(weight + [0.0])
    both = np.array([0.0] + weight) + without
    rest = float(without[sizes] @ utilities)
    table = both[sizes] * utilities
    found = np.zeros(players)
    for player in reversed(range(players)):
        half = 1 << player
        found[player] = table[half:].sum() - rest
        table = table[:half] + table[half:]
    return found


def main():
    utilities = np.fromfile(sys.argv[1], dtype="<i8") / 1e9
    players = len(utilities).bit_length() - 1
    sizes = np.bitwise_count(np.arange(len(utilities), dtype=np.uint32)).astype(np.intp)
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        found = values(utilities, sizes, players)
        seconds.append(time.perf_counter() - begin)
    print(sorted(seconds)[2], found.sum())


main()
