"""Images per second of training and inference, against keras.applications.

python -m benchmarks.train_step

Every network gets the same heads, losses, optimizer and batches, and a few
steps in turn, round after round, so that a change of the machine's speed meets
all alike. Medians over the rounds.
"""

import dataclasses
import os
import statistics

from benchmarks.arithmetic import TRAINING_PASSES
from benchmarks.arithmetic import MatmulPeak
from benchmarks.arithmetic import forward_flops
from benchmarks.portraits_schema import PORTRAITS
from benchmarks.tables import median_ratio
from benchmarks.tables import print_markdown
from benchmarks.train_subject import StepSettings
from benchmarks.train_subject import Subject
from tp_keras.config import BFLOAT16
from tp_keras.config import FLOAT32
from training.command import run
from training.command import start_tensorflow

# Name in the table -> backbone.
PEERS = {
    "MobileNetV3Small": "MobileNetV3Small",
    "MobileNetV2 0.35": "MobileNetV2(alpha=0.35)",
    "MobileNet 0.25": "MobileNet(alpha=0.25)",
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
        import tensorflow as tf
        import tqdm

        from tp_keras.models import BACKBONE_PRESETS

        # One function for each network: it would take that for retracing.
        tf.get_logger().setLevel("ERROR")
        presets = {name: name for name in BACKBONE_PRESETS}
        networks = {
            name: Subject(StepSettings(backbone, batch_size=self.batch_size))
            for name, backbone in tqdm.tqdm(
                {**presets, **PEERS}.items(), desc="build"
            )
        }
        peaks = {name: MatmulPeak(name) for name in (FLOAT32, BFLOAT16)}
        for _ in tqdm.trange(self.rounds, desc="rounds"):
            for peak in peaks.values():
                peak.measure()
            for network in networks.values():
                network.measure_training(self.steps)
                network.measure_inference(self.steps)
        height, width, _ = PORTRAITS.image_shape
        print(
            f"\n{os.cpu_count()} cores, batches of {self.batch_size} "
            f"at {height}x{width}, median of {self.rounds} "
            f"rounds of {self.steps} steps. The ratios are medians of the "
            "ratios within a round. Each network in the precision that it is "
            "trained in; all with FusedAdamW and averaged weights, which makes "
            "the peers faster too.\n"
        )
        header = ["network", "precision", "parameters", "training images/s"]
        header += [f"x {peer}" for peer in PEERS]
        header += ["training GFLOP/s (of peak)", "inference images/s"]
        rows = []
        for name, network in networks.items():
            share = ""
            if name in presets:
                share = _share_of_peak(network, peaks[network.precision])
            rows.append(
                [
                    name,
                    network.precision,
                    f"{network.parameters:,}",
                    f"{statistics.median(network.training):,.0f}",
                    *(
                        "{:.2f}".format(
                            median_ratio(
                                network.training, networks[peer].training
                            )
                        )
                        for peer in PEERS
                    ),
                    share,
                    f"{statistics.median(network.inference):,.0f}",
                ]
            )
        print_markdown(header, rows)
        print(
            "\nPeak: a 2048x2048 matrix product in this run, "
            + ", ".join(
                f"{statistics.median(peak.gigaflops):,.0f} GFLOP/s in {name}"
                for name, peak in peaks.items()
            )
            + ". A training step counts as three times the multiplications "
            "and additions of the forward convolutions and dense layers. What "
            "limits it: by the profile of a step of portrait_s the gradient "
            "of the filters takes 3.4 times as long as the forward "
            "convolution and that of the inputs twice as long, for as much "
            "arithmetic each; normalisation and ReLU together are about a "
            "tenth of the step."
        )


def _share_of_peak(network, peak):
    """Returns GFLOP/s in training, and which share of the peak that is."""
    flops = TRAINING_PASSES * forward_flops(network.model)
    gigaflops = [rate * flops / 1e9 for rate in network.training]
    share = median_ratio(gigaflops, peak.gigaflops)
    return f"{statistics.median(gigaflops):,.0f} ({share:.0%})"


if __name__ == "__main__":
    run(TrainStep)
