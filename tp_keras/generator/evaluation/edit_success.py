"""Does an edit change what it should, and nothing else?"""

from collections.abc import Iterator

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.generator.drawing.labels import free_classes
from tp_keras.records.record import ALL


def measure_edits(
    sampler, judge, portraits: Portraits, before: dict, seed: int
) -> Iterator[dict]:
    """Yields how often an edit with another class succeeds.

    Measured are portraits that the judge reads rightly in all labels before
    the edit; `before` is what it says of them. One attribute then gets another
    class, drawn by chance, out of the `free_classes`.

    Yields:
        Fields of records, `task` being what was edited: `edit_success`, how
        often the judge sees the new class; `edit_kept`, how often its other
        answers stay (one of them with a `variant`, else all); `unedited_kept`,
        the same if the portrait is only reconstructed: more can't be kept.
    """
    tasks = portraits.schema.condition_tasks
    free = free_classes(tasks)
    good = [
        np.isin(portraits.labels[task.name], classes)
        & (portraits.labels[task.name] == before[task.name])
        for task, classes in free.items()
    ]
    rows = np.flatnonzero(np.all(good, axis=0))
    images = portraits.images[rows]
    labels = {task.name: portraits.labels[task.name][rows] for task in tasks}

    def answers_to(new_labels):
        if not len(rows):
            return labels
        return judge.predict(sampler.edit(images, labels, new_labels))

    def kept(answers, others):
        stayed = [answers[o.name] == labels[o.name] for o in others]
        return np.all(stayed, axis=0) if stayed else np.ones(len(rows), bool)

    def share(metric, hits, task=ALL, **fields):
        fields = {"task": task, "group": ALL, **fields}
        return figures.share(metric, hits.sum(), len(rows), **fields)

    generator = np.random.default_rng(seed)
    yield share("unedited_kept", kept(answers_to(labels), tasks))
    for task in tasks:
        own, classes = labels[task.name], np.array(free[task], np.int32)
        # Another class for each, by as many places further on.
        steps = generator.integers(1, len(classes), len(rows))
        places = np.searchsorted(classes, own) + steps
        asked = classes[places % len(classes)]
        answers = answers_to({**labels, task.name: asked})
        yield share("edit_success", answers[task.name] == asked, task.name)
        others = [other for other in tasks if other is not task]
        parts = {None: others, **{other.name: [other] for other in others}}
        for variant, part in parts.items():
            hits = kept(answers, part)
            yield share("edit_kept", hits, task.name, variant=variant)
