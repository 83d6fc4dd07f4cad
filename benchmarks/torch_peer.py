"""Trains a PyTorch network on an experiment's terms.

    python -m benchmarks.torch_peer real --run_dir runs/torch

Takes the experiments and flags of `training.train`, and leaves a run folder
with settings, history and facts as it does. Needs
`pip install -r requirements-benchmarks.txt`.

Data, order, augmentation, heads, losses, schedule, decay, averaged weights and
the choice of the best epoch are those of `tp_keras.runs.trainer`; forward,
backward and optimizer are PyTorch's. A run that was stopped begins anew.
"""

import csv
import dataclasses
import importlib.util
import math
import os
import time

import numpy as np

from benchmarks.finished_runs import hits
from tp_keras import files
from tp_keras.config import FLOAT32
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from training.command import run_experiment
from training.command import start_tensorflow
from training.configs import EXPERIMENTS

# What `--backbone` says of a run of this module.
TORCH_NETWORK = "torch.mobilenet_v3_small"

WEIGHTS_NAME = "model.pt"


@dataclasses.dataclass(frozen=True)
class TorchPeer:
    """Trains the classifier of an experiment in PyTorch."""

    config: ExperimentConfig

    def execute(self) -> None:
        """Trains."""
        train(self.config)


def learning_rate(step, steps, config) -> float:
    """Returns the learning rate of a step: warm-up, then a cosine to 0.

    Args:
        step: Number of the step, from 0.
        steps: Steps in an epoch.
        config: `TrainingConfig`.
    """
    warmup = int(config.warmup_epochs * steps)
    if step < warmup:
        return config.learning_rate * step / warmup
    rest = max(config.epochs * steps - warmup, 1)
    progress = min((step - warmup) / rest, 1.0)
    return config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def train(config: ExperimentConfig, turns=None) -> RunFolder:
    """Trains the PyTorch network on an experiment's terms.

    Args:
        config: `ExperimentConfig`. Its backbone is `TORCH_NETWORK`.
        turns: `benchmarks.epoch_speed.Turns`, or None to train without pause.

    Returns:
        The run's folder. A finished run is returned as it is.

    Raises:
        UserError: If the settings ask for what only Keras' networks have, or
            if PyTorch is not installed.
    """
    _check(config)
    run = RunFolder(config.run_dir)
    run.claim(config)
    if run.is_finished:
        return run
    start_tensorflow()
    import torch

    from tp_keras.data.pipeline import TrainingBatches
    from tp_keras.data.pipeline import evaluation_batches
    from tp_keras.data.source import load_portraits
    from tp_keras.runs.score import SCORE

    torch.set_num_threads(os.cpu_count())
    # As TensorFlow does.
    torch.set_flush_denormal(True)
    training, data = config.training, config.data
    torch.manual_seed(training.seed)

    # === Data ===
    splits = {
        split: load_portraits(*data.location(split), turns is None)
        for split in ("train", "validation")
    }
    schema = splits["train"].schema
    if not all(task.has_classes for task in schema.tasks):
        raise UserError(
            "The PyTorch network learns classes alone. "
            f"Received: {[(task.name, task.kind) for task in schema.tasks]}"
        )
    targets = {task.name: task for task in schema.tasks}
    batches = TrainingBatches(
        splits["train"],
        targets=targets,
        batch_size=training.batch_size,
        seed=training.seed,
        augment_config=config.augment,
        class_balance=training.class_balance,
        passes_per_epoch=training.passes_per_epoch,
    )
    steps = batches.steps_per_epoch
    validation_batches = evaluation_batches(splits["validation"], targets)

    # === Fit ===
    network = _NetworkInTraining(config, schema, steps)
    run.record(
        status="training",
        torch=torch.__version__,
        dataset=splits["train"].dataset,
        schema=schema.to_dict(),
        fingerprints={k: split.fingerprint for k, split in splits.items()},
        parameters=network.parameters,
    )
    stream = batches.dataset().as_numpy_iterator()
    history = []
    begin = time.monotonic()
    for epoch in range(training.epochs):
        if turns is not None:
            turns.next_epoch()
        losses = [network.step(*next(stream)) for _ in range(steps)]
        model = network.averaged_model()
        images = (x for x, *_ in validation_batches.as_numpy_iterator())
        score = _score(predict(model, images), splits["validation"])
        if score > max((row[SCORE] for row in history), default=-1.0):
            with files.replaced(run.path / WEIGHTS_NAME) as aside:
                torch.save(model.state_dict(), aside)
        history.append(
            {
                "epoch": epoch,
                "loss": sum(losses) / steps,
                SCORE: score,
                "seconds": time.monotonic() - begin,
            }
        )
        _write_history(run.history_path, history)
        if turns is None:
            print(
                f"Epoch {epoch + 1}/{training.epochs}: loss "
                f"{history[-1]['loss']:.3f}, validation score {score:.4f}",
                flush=True,
            )
    seconds = time.monotonic() - begin
    if turns is not None:
        turns.next_epoch()
    best = max(history, key=lambda row: row[SCORE])
    run.record(
        status="finished",
        epochs=training.epochs,
        examples_seen=training.epochs * steps * training.batch_size,
        best_epoch=best["epoch"] + 1,
        best_score=best[SCORE],
        seconds=round(seconds, 1),
    )
    return run


class _NetworkInTraining:
    """The network, its optimizer, and the average of its weights."""

    def __init__(self, config, schema, steps_per_epoch):
        import torch

        from benchmarks.torch_networks import TorchClassifier
        from benchmarks.torch_networks import mobilenet_v3_small

        self.config = config.training
        self.steps_per_epoch = steps_per_epoch
        self.model = TorchClassifier(
            mobilenet_v3_small(),
            schema,
            embedding_size=config.model.embedding_size,
            dropout_rate=config.model.dropout_rate,
        ).to(memory_format=torch.channels_last)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.model,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(
                self.config.averaging
            ),
        )
        decayed, free = [], []
        for parameter in self.model.parameters():
            # Biases and norms are vectors.
            (decayed if parameter.ndim > 1 else free).append(parameter)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.config.weight_decay},
                {"params": free, "weight_decay": 0.0},
            ],
            eps=1e-7,  # That of Keras.
            fused=True,
        )
        self.steps = 0

    @property
    def parameters(self):
        """The number of weights, with the moving statistics as in Keras."""
        values = self.model.state_dict().values()
        return sum(x.numel() for x in values if x.is_floating_point())

    def step(self, images, labels, weights):
        """Trains on a batch of NumPy arrays and returns its loss."""
        import torch

        from benchmarks.torch_networks import masked_loss

        self.model.train()
        rate = learning_rate(self.steps, self.steps_per_epoch, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss = masked_loss(
            self.model(torch.tensor(images)),
            {name: torch.tensor(v).long() for name, v in labels.items()},
            {name: torch.tensor(v) for name, v in weights.items()},
            self.config.label_smoothing,
        )
        loss.backward()
        self.optimizer.step()
        # The weights are averaged, the moving statistics copied.
        self.average.update_parameters(self.model)
        self.steps += 1
        return loss.item()

    def averaged_model(self):
        """Returns what is validated and kept."""
        return self.average.module if self.config.averaging else self.model


def load_model(run: RunFolder):
    """Returns the `TorchClassifier` of the best epoch."""
    import torch

    from benchmarks.torch_networks import TorchClassifier
    from benchmarks.torch_networks import mobilenet_v3_small

    model = TorchClassifier(
        mobilenet_v3_small(),
        run.schema,
        embedding_size=run.config.model.embedding_size,
    )
    model.load_state_dict(torch.load(run.path / WEIGHTS_NAME))
    return model


def predict(model, batches) -> dict[str, np.ndarray]:
    """Returns probabilities of uint8 batches: task -> `[count, classes]`."""
    import torch

    from tp_keras.models.kinds import answer

    model.eval()
    with torch.inference_mode():
        outputs = [model(torch.tensor(images)) for images in batches]
    return {
        task.name: answer(
            task, torch.cat([output[task.name] for output in outputs]).numpy()
        )
        for task in model.schema.tasks
    }


def _check(config):
    """Raises if PyTorch or the settings don't fit."""
    expected = (
        (config.model, "backbone", (TORCH_NETWORK,)),
        (config.model, "tasks", ((),)),
        (config.debias, "debias", ("none",)),
        (config.training, "precision", ("auto", FLOAT32)),
        (config.training, "patience", (0,)),
        (config.training, "optimizer", ("adamw",)),
        (config.training, "score", ("accuracy",)),
    )
    for settings, name, values in expected:
        received = getattr(settings, name)
        if received not in values:
            raise UserError(
                f"The PyTorch network is trained with {name}={values[0]} "
                f"alone. Received: {name}={received}"
            )
    if importlib.util.find_spec("torch") is None:
        raise UserError(
            f"{TORCH_NETWORK} needs PyTorch. Expected what "
            "`pip install -r requirements-benchmarks.txt` installs."
        )


def _score(answers, portraits) -> float:
    """Returns the mean accuracy over the tasks, each over its labelled rows."""
    accuracies = [
        np.nanmean(hits(task, portraits.labels[task.name], answers[task.name]))
        for task in portraits.schema.tasks
    ]
    return float(np.mean(accuracies))


def _write_history(path, history):
    with files.replaced(path) as aside, aside.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    run_experiment(TorchPeer, EXPERIMENTS, arguments)


if __name__ == "__main__":
    main()
