"""Images per second of training a generator, and portraits per second drawn.

python -m benchmarks.vae_step

Against the convolutional VAE of the Keras examples, widened until it has as
many parameters as our encoder and decoder: once all of it, once its dense layer
alone, which takes next to no time; a widening that can't have so few is left
out. Our step has critics and a classifier that looks, too. Every network gets a
few steps in turn, round after round, so that a change of the machine's speed
meets all alike. Medians over the rounds.
"""

import dataclasses
import os
import statistics
import tempfile

from benchmarks.portraits_schema import PORTRAITS
from benchmarks.tables import median_ratio
from benchmarks.tables import print_markdown
from benchmarks.train_subject import steps_per_second
from tp_keras.config import BFLOAT16
from tp_keras.config import FLOAT32
from tp_keras.generator.config import VaeModelConfig
from training.command import run
from training.command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class VaeStep:
    """Prints the speed of our generator and of its peers in one run."""

    batch_size: int = 64
    """Portraits in a step."""
    steps: int = 10
    """Steps in a row before the next network has its turn."""
    rounds: int = 7
    """How often each network has its turn."""
    full_size: bool = True
    """Whether to compare at full size too, where a step takes longer."""

    model: VaeModelConfig = dataclasses.field(default_factory=VaeModelConfig)

    def execute(self) -> None:
        """Measures and prints the tables."""
        start_tensorflow()
        import tensorflow as tf
        import tqdm

        from tp_keras.runs.precision import has_bfloat16_instructions

        # One function for each network: it would take that for retracing.
        tf.get_logger().setLevel("ERROR")
        precision = BFLOAT16 if has_bfloat16_instructions() else FLOAT32
        full = PORTRAITS.image_shape[:2]
        sizes = {tuple(side // 2 for side in full): False}
        if self.full_size:
            sizes[full] = True
        subjects = {}
        for size, grown in tqdm.tqdm(sizes.items(), desc="build"):
            subjects[size] = self._subjects(size, grown, precision)
        everyone = [
            each for size in subjects.values() for each in size.values()
        ]
        bundle = self._bundle(precision) if self.full_size else None
        for _ in tqdm.trange(self.rounds, desc="rounds"):
            for subject in everyone:
                subject.measure_training(self.steps)
            for subject in everyone:
                subject.measure_drawing(self.steps)
            if bundle:
                bundle.measure_drawing(self.steps)
        print(
            f"\n{os.cpu_count()} cores, batches of {self.batch_size}, median "
            f"of {self.rounds} rounds of {self.steps} steps. The ratios are "
            "medians of the ratios within a round, against the peers of the "
            "same size.\n"
        )
        for size, found in subjects.items():
            _print_table(size, found, bundle if sizes[size] else None)

    def _subjects(self, size, grown, precision):
        """Returns our network and the peers of a size, by name."""
        from benchmarks import plain_vae
        from benchmarks import vae_subject

        vae = vae_subject.portrait_vae(self.model, precision)
        own = vae_subject.portrait_subject(
            vae, grown, self.batch_size, self.model
        )
        subjects = {f"tp_keras, {precision}": own}
        for widening in plain_vae.WIDENINGS:
            settings = plain_vae.widened(
                widening, own.parameters, (*size, 3), self.model.latent_size
            )
            if settings is None:
                continue
            # The example computes in float32; bfloat16 is our idea.
            for policy in dict.fromkeys((FLOAT32, precision)):
                name = f"Keras example, {widening}, {policy}"
                subjects[name] = vae_subject.plain_subject(
                    settings, policy, self.batch_size
                )
        return subjects

    def _bundle(self, precision):
        from benchmarks import vae_subject

        vae = vae_subject.portrait_vae(self.model, precision)
        return BundleSubject(vae, self.batch_size)


class BundleSubject:
    """The exported bundle of a model, called through TensorFlow's C API.

    Args:
        vae: `PortraitVAE`.
        batch_size: Int.

    Attributes:
        drawing: Portraits per second of each measurement.
    """

    def __init__(self, vae, batch_size):
        from tp_keras.generator.export.bundle import export_vae_bundle
        from tp_keras.serving import PortraitGenerator

        with tempfile.TemporaryDirectory() as folder:
            bundle = export_vae_bundle(vae, folder)
            self._generator = PortraitGenerator.load(bundle)
            self._seeds = range(batch_size)
            self._draw()
        self.drawing = []

    def measure_drawing(self, batches: int) -> None:
        """Adds the portraits per second of a few batches."""
        rate = steps_per_second(self._draw, batches)
        self.drawing.append(rate * len(self._seeds))

    def _draw(self):
        self._generator.generate({"gender": "female"}, list(self._seeds), 0.8)


def _print_table(size, subjects, bundle):
    """Prints the rows of a size.

    Args:
        size: Rows and columns of the portraits.
        subjects: Dict: name -> `VaeSubject`, ours first.
        bundle: `BundleSubject` or None.
    """
    print(f"\nPortraits of {size[0]}x{size[1]}:\n")
    peers = list(subjects)[1:]
    header = ["network", "parameters", "training images/s"]
    header += [f"x ({i})" for i in range(1, len(peers) + 1)]
    header += ["portraits/s drawn"]
    rows = []
    for name, subject in subjects.items():
        number = f" ({peers.index(name) + 1})" if name in peers else ""
        ratios = [
            median_ratio(subject.training, subjects[peer].training)
            for peer in peers
        ]
        rows.append(
            [
                name + number,
                f"{subject.parameters:,}",
                f"{statistics.median(subject.training):,.0f}",
                *(f"{ratio:.2f}" for ratio in ratios),
                f"{statistics.median(subject.drawing):,.0f}",
            ]
        )
    if bundle:
        drawing = f"{statistics.median(bundle.drawing):,.0f}"
        name = "tp_keras, exported bundle in a C session, uint8"
        rows.append([name, "", "", *[""] * len(peers), drawing])
    print_markdown(header, rows)


if __name__ == "__main__":
    run(VaeStep)
