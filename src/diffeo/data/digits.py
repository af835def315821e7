"""scikit-learn's digits: 1,797 images of 8x8 pixels with 17 values, embedded in that package."""

import numpy as np

from diffeo.data.dataset import Dataset, Part, listed, without


def digits() -> Dataset:
    """Train 1,257, validation 180, test 360: the rows that ``splits.json`` lists."""
    import torch
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.from_numpy(bunch.images.astype(np.uint8))[:, None]
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    validation, test = listed("digits", "validation"), listed("digits", "test")
    train = without(len(x), validation, test)
    return Dataset(
        "digits",
        Part(x[train], labels[train]),
        Part(x[validation], labels[validation]),
        Part(x[test], labels[test]),
        values=17,
        classes=10,
        source="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, CC BY 4.0",
    )
