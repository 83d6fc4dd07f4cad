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

    def rows(self, portraits: Portraits) -> np.ndarray:
        """Returns the rows of that part, drawn at random, ascending."""
        count = max(round(self.fraction * len(portraits)), _FEWEST)
        generator = np.random.default_rng([self.seed, count])
        rows = generator.permutation(len(portraits))[:count]
        return np.sort(rows)


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
    trained = pretrained.load_model()
    test = portraits["test"]
    found: dict = {}
    for part in (bar := tqdm.tqdm(parts, unit=" parts", smoothing=0)):
        bar.set_description(part.name)
        ways = _answers(config, pretrained, part, portraits, folder)
        keras.utils.set_random_seed(part.seed)
        untrained = create_backbone(
            pretrained.config.model.backbone, test.schema.image_shape
        )
        rows = part.rows(portraits["train"])
        for end, backbone in (("", trained), (UNTRAINED, untrained)):
            known = {
                split: features.pooled_features(backbone, own.images)
                for split, own in portraits.items()
            }
            for name in list(ways):
                task = test.schema.task(name)
                said = _probe(known, portraits, task, rows)
                ways[name] |= {way + end: own for way, own in said.items()}
        for name, answers in ways.items():
            own = found.setdefault(part.fraction, {}).setdefault(name, {})
            for way, said in answers.items():
                own.setdefault(way, []).append(said == test.labels[name])
        keras.utils.clear_session()  # Collects the garbage, too.
    return {
        fraction: {
            task: {way: np.stack(hits) for way, hits in ways.items()}
            for task, ways in own.items()
        }
        for fraction, own in found.items()
    }


def _answers(config, pretrained, part, portraits, folder) -> dict:
    """Returns task -> way -> classes of the test portraits, of trainings."""
    train = portraits["train"]
    labelled = train.take(part.rows(train))
    own = _configured(config, part, labelled, len(train))
    seen = {"train": labelled, "validation": portraits["validation"]}
    tuned = _train(
        own, seen, folder / f"{part.name}-tuned", pretrained.model_path
    )
    # How long the training without labels took, in epochs of this one.
    more = pretrained.facts["seconds"] / tuned.facts["seconds"]
    epochs = math.ceil((1 + more) * own.training.epochs)
    training = dataclasses.replace(own.training, epochs=epochs)
    longer = dataclasses.replace(own, training=training)
    scratch = _train(longer, seen, folder / f"{part.name}-scratch")
    found: dict = {}
    for way, run in ((SCRATCH, scratch), (TUNED, tuned)):
        classifier = run.load_model()
        answers = classifier.predict_answers(
            portraits["test"].images, verbose=0
        )
        for task in classifier.tasks:
            if task.has_classes:
                said = task.predicted(answers[task.name])
                found.setdefault(task.name, {})[way] = said
    return found


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
    rows, there = rows[labels[rows] >= 0], others >= 0
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
