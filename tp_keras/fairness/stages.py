"""What is measured of a hair task, in stages."""

from collections.abc import Callable
from collections.abc import Iterator

from tp_keras import tasks
from tp_keras.fairness import counterfactual
from tp_keras.fairness import group_metrics
from tp_keras.fairness import leakage
from tp_keras.fairness import retrieval
from tp_keras.fairness.representations import embedding_name


def stages_of(
    task, labels, found, twins, settings, seed, embedding_only=False
) -> dict[str, Callable[[], Iterator[dict]]]:
    """Returns what is measured of a hair task, by stage.

    Args:
        task: The hair `Task`.
        labels: Dict: task name -> integer array [N], -1 where missing.
        found: `Representations` of the portraits.
        twins: Rows that have a twin and the twins' `Representations`, as
            `represent_twins` returns them, or None.
        settings: `FairnessSettings`.
        seed: Where chance starts.
        embedding_only: Whether to probe only the layer that the head reads,
            and without controls: a tenth of the time.

    Returns:
        Dict: name of the stage -> function that yields fields of records.
    """
    own = labels[task.name]
    genders = labels[tasks.GENDER.name]
    predictions, embedding = found.predictions(task), found.embedding(task)
    layers = found.layers[task.name]
    if embedding_only:
        name = embedding_name(task)
        layers = {name: layers[name]}
    stages = {
        "groups": lambda: group_metrics.measure_groups(
            task, own, predictions, genders, settings, seed
        ),
        "leakage": lambda: leakage.measure_leakage(
            task,
            own,
            found.probabilities[task.name],
            layers,
            genders,
            settings,
            seed,
            controls=not embedding_only,
        ),
        "neighbours": lambda: retrieval.measure_retrieval(
            task, own, embedding, genders, settings, seed
        ),
    }
    if twins is not None:
        rows, twin = twins
        stages["counterfactuals"] = lambda: (
            counterfactual.measure_counterfactuals(
                task,
                own[rows],
                predictions[rows],
                twin.predictions(task),
                embedding[rows],
                twin.embedding(task),
                settings,
                seed,
                genders[rows],
            )
        )
    return stages
