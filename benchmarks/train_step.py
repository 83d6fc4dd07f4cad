"""Images per second of training and inference, against keras.applications.

python -m benchmarks.train_step

Every network gets the same heads, losses, optimizer and batches, and a few
steps in turn, round after round, so that a change of the machine's speed meets
all alike. Medians over the rounds.
"""

import dataclasses
import os
import statistics
import time

import numpy as np

from tp_keras.tasks import IMAGE_SHAPE
from training.command import run
from training.command import start_tensorflow

# Name in the table -> name and arguments of the backbone.
PEERS = {
    "MobileNet 0.25": ("MobileNet", {"alpha": 0.25}),
    "MobileNetV2 0.35": ("MobileNetV2", {"alpha": 0.35}),
    "MobileNetV3Small": ("MobileNetV3Small", {}),
}


@dataclasses.dataclass(frozen=True)
class TrainStep:
    """Prints the speed of each preset and of its peers in one run."""

    batch_size: int = 64
    """Images in a step."""
    steps: int = 10
    """Steps in a row before the next network has its turn."""
    rounds: int = 7
    """How often each network has its turn."""

    def execute(self) -> None:
        """Measures and prints the table."""
        start_tensorflow()
        import tqdm

        from tp_keras.models import BACKBONE_PRESETS

        subjects = {name: (name, {}) for name in BACKBONE_PRESETS}
        networks = {
            name: Subject(backbone, arguments, self.batch_size)
            for name, (backbone, arguments) in tqdm.tqdm(
                {**subjects, **PEERS}.items(), desc="build"
            )
        }
        for _ in tqdm.trange(self.rounds, desc="rounds"):
            for network in networks.values():
                network.measure(self.steps)
        print(
            f"\n{os.cpu_count()} cores, float32, batches of {self.batch_size} "
            f"at {IMAGE_SHAPE[0]}x{IMAGE_SHAPE[1]}, median of {self.rounds} "
            f"rounds of {self.steps} steps. The ratios are medians of the "
            "ratios within a round.\n"
        )
        header = ["network", "parameters", "training images/s"]
        header += [f"x {peer}" for peer in list(PEERS)[:2]]
        header += ["inference images/s"]
        print("| " + " | ".join(header) + " |\n" + "|" + " --- |" * len(header))
        for name, network in networks.items():
            ratios = [
                statistics.median(
                    ours / theirs
                    for ours, theirs in zip(
                        network.training, networks[peer].training, strict=True
                    )
                )
                for peer in list(PEERS)[:2]
            ]
            cells = [
                name,
                f"{network.parameters:,}",
                f"{statistics.median(network.training):,.0f}",
                *(f"{ratio:.2f}" for ratio in ratios),
                f"{statistics.median(network.inference):,.0f}",
            ]
            print("| " + " | ".join(cells) + " |")


class Subject:
    """A network with heads, its batch, and what was measured of it."""

    def __init__(self, backbone, arguments, batch_size):
        import keras
        import tensorflow as tf

        from tp_keras.models import PortraitClassifier
        from tp_keras.models import create_backbone

        rng = np.random.default_rng(0)
        self.batch_size = batch_size
        self.model = PortraitClassifier(create_backbone(backbone, **arguments))
        self.model.compile(keras.optimizers.AdamW(1e-3))
        inference = self.model.inference_model()
        self.parameters = inference.count_params()
        self.images = rng.integers(
            0, 256, (batch_size, *IMAGE_SHAPE), dtype=np.uint8
        )
        names = self.model.label_names
        labels = {name: rng.integers(0, 2, batch_size) for name in names}
        batch = tf.data.Dataset.from_tensors((self.images, labels))
        # The function that `fit` calls for a step, without its bookkeeping.
        self.batches = iter(batch.cache().repeat())
        self.model.make_train_function()
        self.predict = tf.function(lambda x: inference(x, training=False))
        self.training, self.inference = [], []
        self._train()
        self.predict(self.images)

    def _train(self):
        self.model.train_function(self.batches)

    def measure(self, steps):
        """Adds the images per second of a few steps."""
        for rates, step in (
            (self.training, self._train),
            (self.inference, lambda: self.predict(self.images)),
        ):
            begin = time.perf_counter()
            for _ in range(steps):
                step()
            rates.append(
                steps * self.batch_size / (time.perf_counter() - begin)
            )


if __name__ == "__main__":
    run(TrainStep)
