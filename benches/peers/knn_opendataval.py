"""Row KNN-Shapley by OpenDataVal 1.3, on the same files as `knn_numpy.py` and with the same output.

Values are in 32 bits there, which is its default.
"""

import sys
import time

import numpy as np
import torch
from opendataval.dataval.knnshap import KNNShapley


def main():
    folder, features, k = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

    def read(name):
        cells = np.fromfile(f"{folder}/{name}.f64", "<f8").reshape(-1, features)
        labels = np.fromfile(f"{folder}/{name}.labels.u32", "<u4").astype(np.int64)
        return torch.tensor(cells, dtype=torch.float32), torch.nn.functional.one_hot(
            torch.tensor(labels), 10
        )

    train, validation = read("train"), read("validation")
    begin = time.perf_counter()
    method = KNNShapley(k_neighbors=k).input_data(*train, *validation)
    values = method.train_data_values().evaluate_data_values()
    print(time.perf_counter() - begin, values.sum())


if __name__ == "__main__":
    main()
