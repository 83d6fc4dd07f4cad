"""What was learned without labels, against what labels alone teach."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np
import tqdm

from tp_keras.config import ExperimentConfig
from tp_keras.data.portraits import Portraits
from tp_keras.models import create_backbone
from tp_keras.pretraining import features
from tp_keras.pretraining.folder import PretrainRunFolder
from tp_keras.runs.trainer import Trainer

SCRATCH, TUNED = "from scratch", "fine-tuned"
PROBE, NEAREST = "linear probe", "nearest neighbours"
UNTRAINED = ", untrained"
WAYS = SCRATCH, TUNED, PROBE, NEAREST, PROBE + UNTRAINED, NEAREST + UNTRAINED

# Labelled portraits of a task that a probe needs.
_FEWEST = 10


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A part of the training portraits that keeps its labels.

    Attributes:
        fraction: Share of all.
        seed: Of which ones, and of what is trained on them.
    """

    fraction: float
    seed: int

    @property
    def name(self) -> str:
        """What the folders of its runs begin with."""
        return f"{100 * self.fraction:g}-percent-seed{self.seed}"

    def take(self, portraits: Portraits) -> Portraits:
        """Returns that part, drawn at random."""
        count = max(round(self.fraction * len(portraits)), _FEWEST)
        generator = np.random.default_rng([self.seed, count])
        rows = generator.permutation(len(portraits))[:count]
        return portraits.take(np.sort(rows))


def right_answers(
    config: ExperimentConfig,
    pretrained: PretrainRunFolder,
    parts: Sequence[Labelled],
    portraits: Mapping[str, Portraits],
    folder: pathlib.Path,
) -> dict[float, dict[str, dict[str, np.ndarray]]]:
    """Trains on each part in two ways, and asks the features as they are.

    A training from scratch has all the time that the other and the training
    without labels have taken together; both choose their epoch by the same
    validation portraits. Steps are as many with few labels as with all.
    Finished runs in `folder` are read, not repeated.

    Args:
        config: Settings of the trainings with labels.
        pretrained: A finished training without labels.
        parts: The parts to train on.
        portraits: `Portraits` as `"train"`, `"validation"` and `"test"`.
        folder: Where the runs lie.

    Returns:
        Dict: fraction -> task with classes -> way -> bool `[seeds, count]`,
        which test portraits are told right.
    """
    train, test = portraits["train"], portraits["test"]
    backbone = pretrained.load_model()
    known = {
        "": {
            k: features.pooled_features(backbone, v.images)
            for k, v in portraits.items()
        }
    }
    found = {}
    for part in (bar := tqdm.tqdm(parts, unit=" parts", smoothing=0)):
        bar.set_description(part.name)
        labelled = part.take(train)
        own = _configured(config, part, labelled, len(train))
        seen = {"train": labelled, "validation": portraits["validation"]}
        tuned = _train(
            own, seen, folder / f"{part.name}-tuned", pretrained.model_path
        )
        # What of a training without labels there was, in epochs of this one.
        more = pretrained.facts["seconds"] / tuned.facts["seconds"]
        epochs = math.ceil((1 + more) * own.training.epochs)
        longer = dataclasses.replace(
            own, training=dataclasses.replace(own.training, epochs=epochs)
        )
        scratch = _train(longer, seen, folder / f"{part.name}-scratch")
        keras.utils.set_random_seed(part.seed)
        untrained = create_backbone(
            pretrained.config.model.backbone, train.schema.image_shape
        )
        known[UNTRAINED] = {
            k: features.pooled_features(untrained, v.images)
            for k, v in portraits.items()
        }
        of_part = found.setdefault(part.fraction, {})
        for way, run in ((SCRATCH, scratch), (TUNED, tuned)):
            classifier = run.load_model()
            answers = classifier.predict_answers(test.images, verbose=0)
            for task in classifier.tasks:
                if task.has_classes:
                    said = task.predicted(answers[task.name])
                    _add(of_part, task, way, said == test.labels[task.name])
        rows = np.isin(train.indices, labelled.indices)
        for network, own_features in known.items():
            for name, ways in of_part.items():
                task = train.schema.task(name)
                for way, said in _probe(
                    own_features, portraits, task, rows
                ).items():
                    hits = said == test.labels[name]
                    ways.setdefault(way + network, []).append(hits)
        keras.utils.clear_session()  # Collects the garbage, too.
    return {
        fraction: {
            task: {way: np.stack(hits) for way, hits in ways.items()}
            for task, ways in own.items()
        }
        for fraction, own in found.items()
    }


def _add(found, task, way, hits):
    found.setdefault(task.name, {}).setdefault(way, []).append(hits)


def _configured(config, part, labelled, count) -> ExperimentConfig:
    """Returns settings that take as many steps with few labels as with all."""
    training = config.training
    steps = count // training.batch_size * training.passes_per_epoch
    batch_size = min(training.batch_size, len(labelled))
    passes = max(round(steps / (len(labelled) // batch_size)), 1)
    return dataclasses.replace(
        config,
        training=dataclasses.replace(
            training,
            seed=part.seed,
            batch_size=batch_size,
            passes_per_epoch=passes,
        ),
    )


def _train(config, seen, path, backbone=None):
    """Returns the finished run of settings, on a backbone if one is given."""
    model, training = config.model, config.training
    if backbone is None:
        training = dataclasses.replace(
            training, freeze_trunk_epochs=0, trunk_learning_rate=1.0
        )
    else:
        model = dataclasses.replace(model, backbone=str(backbone))
    config = dataclasses.replace(
        config, run_dir=str(path), model=model, training=training
    )
    return Trainer(config, progress=False, portraits=seen).fit()


def _probe(known, portraits, task, rows) -> dict[str, np.ndarray]:
    """Returns what features say of the test portraits, by way."""
    train, held = portraits["train"], portraits["validation"]
    labels, others = train.labels[task.name], held.labels[task.name]
    rows, there = rows & (labels >= 0), others >= 0
    own, labels = known["train"][rows], labels[rows]
    if len(np.unique(labels)) < 2:
        # There is nothing to tell apart.
        said = np.full(len(portraits["test"]), labels[0] if len(labels) else 0)
        return {PROBE: said, NEAREST: said}
    return {
        PROBE: features.linear(
            own,
            labels,
            known["test"],
            known["validation"][there],
            others[there],
        ),
        NEAREST: features.nearest(own, labels, known["test"]),
    }
