"""A classifier in training, with a method for each guarded task."""

import keras
from keras import ops

from tp_keras.debiasing.groups import training_group_counts
from tp_keras.debiasing.methods import METHODS
from tp_keras.errors import UserError
from tp_keras.models.losses import TaskLoss
from tp_keras.models.task_model import TaskModel
from tp_keras.models.task_model import any_labels
from tp_keras.models.task_model import known_weights
from tp_keras.tasks import PROTECTED


class DebiasedClassifier(TaskModel):
    """Trains a `PortraitClassifier` with a method of debiasing.

    What the method needs (adversaries, weights of groups) lives here and not
    in the classifier, which is all that is kept, exported and served.

    Args:
        classifier: `PortraitClassifier` or `GuardedBranch`.
        train: `Portraits` to train on.
        settings: `DebiasConfig`.
        steps: Int. Steps of the training, over a share of which the strength
            of the method grows; 0 starts with the whole.
        label_smoothing: Float.
    """

    def __init__(
        self, classifier, train, settings, steps=0, label_smoothing=0.0
    ):
        parts = classifier.embedding_parts
        group_counts = training_group_counts(train, classifier.tasks)
        if settings.debias != "none":
            require_groups(group_counts)
        outputs = {_part_name(name): part for name, part in parts.items()}
        super().__init__(
            classifier.input,
            {**classifier.output, **outputs},
            name="debiased_classifier",
        )
        self.classifier = classifier
        self.protected = train.schema.protected_task
        self.tasks = classifier.tasks
        self.number_head = classifier.number_head
        self.settings = settings
        self.ramp_steps = int(settings.ramp * steps)
        self.methods, self.other_losses = [], {}
        for task in classifier.tasks:
            options = settings, label_smoothing, self.number_head
            if task.name in parts:
                make = METHODS[settings.debias]
                method = make(task, group_counts[task.name], *options)
                method.build(parts[task.name].shape)
                self.methods.append(method)
            else:
                self.other_losses[task.name] = TaskLoss(
                    task, self.number_head, label_smoothing
                )
        # Little momentum: what it is against moves.
        self.adversary_optimizer = keras.optimizers.Adam(
            settings.adversary_learning_rate, beta_1=0.5
        )
        self.adversary_optimizer.build(self.adversary_variables)
        # The optimizer's own count is out of reach of a loss under JAX.
        self.steps = self.add_weight(
            (), "zeros", "int32", trainable=False, name="steps"
        )

    @property
    def targets(self):
        """Dict: name of each target -> the `Task` whose labels it takes."""
        return {**self.classifier.targets, PROTECTED: self.protected}

    @property
    def adversary_variables(self):
        """The variables that learn against the classifier."""
        return sum((m.adversary_variables for m in self.methods), [])

    @property
    def classifier_variables(self):
        """The other trainable variables."""
        adversaries = {id(variable) for variable in self.adversary_variables}
        return [v for v in self.trainable_variables if id(v) not in adversaries]

    def compile_for_training(self, optimizer, label_smoothing=None, **kwargs):
        """Compiles with a `FusedAdamW` that lets the adversaries be ahead."""
        adversaries = self.adversary_variables
        # Nor do adversaries decay, which shall become as strong as a probe.
        optimizer.exclude_from_weight_decay(
            var_list=adversaries, var_names=["bias", "gamma", "beta"]
        )
        optimizer.build(self.trainable_variables)
        # Where no step of their own precedes that of the classifier.
        optimizer.set_learning_rate_factor(
            adversaries, self.settings.adversary_steps
        )
        self.compile(optimizer, **kwargs)

    def compile(self, optimizer="adamw", **kwargs):
        """Compiles without a loss, which is that of the methods."""
        super().compile(optimizer, loss=None, **kwargs)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the sum of the tasks' losses, each as its method gives it."""
        y, sample_weight = self._known(y, sample_weight)
        progress = 1.0
        if self.ramp_steps:
            progress = ops.cast(self.steps, "float32") / self.ramp_steps
        if training:
            self.steps.assign_add(1)
        total = 0.0
        for name, loss in self.other_losses.items():
            total += loss(
                y[name], y_pred[name], sample_weight=sample_weight[name]
            )
        for method in self.methods:
            name = method.task.name
            total += method.loss(
                y_pred[_part_name(name)],
                y_pred[name],
                y[name],
                y[PROTECTED],
                (sample_weight[name], sample_weight[PROTECTED]),
                progress,
                training,
            )
        return total

    def adversary_loss(self, y, y_pred, sample_weight):
        """Returns the sum of their losses; no gradient passes to `y_pred`."""
        y, sample_weight = self._known(y, sample_weight)
        return sum(
            method.adversary_loss(
                ops.stop_gradient(y_pred[_part_name(method.task.name)]),
                y[method.task.name],
                y[PROTECTED],
                (sample_weight[method.task.name], sample_weight[PROTECTED]),
            )
            for method in self.methods
        )

    def _known(self, labels, sample_weight):
        """Returns labels that all exist, and weights 0 where none did."""
        labels = {name: labels[name] for name in self.targets}
        return (
            any_labels(self.targets, labels),
            known_weights(self.targets, labels, sample_weight),
        )

    def train_step(self, *args, **kwargs):
        """Trains on a batch; on TensorFlow, with the adversaries ahead."""
        if keras.config.backend() != "tensorflow" or not (
            self.adversary_variables
        ):
            return super().train_step(*args, **kwargs)
        # Imported here: everything else runs on every backend.
        from tp_keras.debiasing.alternating_step import alternating_step

        return alternating_step(self, *args, **kwargs)


def require_groups(group_counts):
    """Raises unless `training_group_counts` has tasks, with two groups each."""
    if not group_counts:
        raise UserError(
            "There is nothing to debias. Expected a protected task and guarded "
            "ones among those trained. Received: none"
        )
    for name, counts in group_counts.items():
        groups = counts.sum(axis=0)
        if (groups > 0).sum() < 2:
            raise UserError(
                "Expected training portraits of two groups or more among those "
                f"with a label of {name}; without them there is nothing to "
                "debias, so train with debias and posthoc none, or leave the "
                f"task out. Received: {name} with rows by group "
                + ", ".join(map(str, groups))
            )


def _part_name(task_name):
    return f"{task_name}_part"
