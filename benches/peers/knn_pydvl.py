"""Row KNN-Shapley by pyDVL 0.10, on the same files as `knn_numpy.py` and with the same output."""

import sys
import time

import numpy as np
from pydvl.valuation import Dataset, KNNShapleyValuation
from sklearn.neighbors import KNeighborsClassifier


def main():
    folder, features, k = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    read = lambda name, kind: np.fromfile(f"{folder}/{name}", dtype=kind)
    train = Dataset(read("train.f64", "<f8").reshape(-1, features), read("train.labels.u32", "<u4"))
    test = Dataset(
        read("validation.f64", "<f8").reshape(-1, features), read("validation.labels.u32", "<u4")
    )
    begin = time.perf_counter()
    model = KNeighborsClassifier(n_neighbors=k)
    result = KNNShapleyValuation(model, test, progress=False).fit(train).result
    print(time.perf_counter() - begin, result.values.sum())


if __name__ == "__main__":
    main()
