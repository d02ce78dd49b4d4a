"""Shapley values by shapiq: the exact computer over a table, or orders of an airport game.

`exact FILE` reads 2^n utilities in billionths, 64-bit little-endian integers by bit mask.
`orders N M` draws M orders of N players with the costs 0, 1, 4, 9, ... Prints the seconds that one
run took and the sum of the values.
"""

import sys
import time

import numpy as np
import shapiq


def exact(path):
    utilities = np.fromfile(path, dtype="<i8") / 1e9
    players = len(utilities).bit_length() - 1
    bits = 1 << np.arange(players)
    game = lambda coalitions: utilities[np.atleast_2d(coalitions) @ bits]
    begin = time.perf_counter()
    found = shapiq.ExactComputer(game, n_players=players)("SV")
    return time.perf_counter() - begin, found


def orders(players, count):
    costs = np.arange(players, dtype=float) ** 2
    game = lambda coalitions: (np.atleast_2d(coalitions) * costs).max(axis=1)
    begin = time.perf_counter()
    sampler = shapiq.PermutationSamplingSV(players, random_state=1)
    found = sampler.approximate(2 + count * (players - 1), game)
    return time.perf_counter() - begin, found


def main():
    if sys.argv[1] == "exact":
        seconds, found = exact(sys.argv[2])
    else:
        seconds, found = orders(int(sys.argv[2]), int(sys.argv[3]))
    print(seconds, found.get_n_order(1).values.sum())


main()
