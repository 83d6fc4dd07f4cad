"""A map that a dense layer can take up."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class AffineMap:
    """Maps features `x` to `x @ kernel + bias`, in float64.

    Attributes:
        kernel: float64 `[d, K]`.
        bias: float64 `[K]`.
    """

    kernel: np.ndarray
    bias: np.ndarray

    def __call__(self, features) -> np.ndarray:
        """Returns `[N, K]` of `features` `[N, d]`."""
        return np.asarray(features, np.float64) @ self.kernel + self.bias

    def fold(self, kernel, bias) -> tuple[np.ndarray, np.ndarray]:
        """Returns kernel and bias of a layer `[inputs, d]` and then this."""
        return np.asarray(kernel, np.float64) @ self.kernel, self(bias)
