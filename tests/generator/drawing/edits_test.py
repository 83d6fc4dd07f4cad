import numpy as np

from tests.export.networks import random_portraits
from tests.portrait_factory import SCHEMA
from tp_keras.generator.drawing.edits import make_edits


class PaintingGenerator:
    # Paints a level for each of the rows that it is asked for.
    def edit(self, images, labels, new_labels):
        self.labels = labels
        self.targets = [
            dict(zip(new_labels, row, strict=True))
            for row in zip(*new_labels.values(), strict=True)
        ]
        levels = 10 * np.arange(len(images), dtype=np.uint8)
        return np.zeros_like(images) + levels[:, None, None, None]


def edits_of(labels, **new):
    generator = PaintingGenerator()
    labels = SCHEMA.complete_labels(labels)
    image = random_portraits(1)[0]
    images, captions = make_edits(
        generator, SCHEMA.condition_tasks, image, labels, new
    )
    np.testing.assert_array_equal(images[0], image)
    assert generator.labels == generator.targets[0] == labels
    assert captions[:2] == ["photo", "reconstruction"]
    levels = [10 * number for number in range(len(captions) - 1)]
    assert images[1:, 0, 0, 0].tolist() == levels
    return captions[2:], generator.targets[1:]


WAVY = {"gender": "female", "hair_color": "brown", "hair_type": "wavy"}


def test_one_edit_keeps_what_is_not_named():
    captions, targets = edits_of(WAVY, gender="male", hair_color="blond")
    assert captions == ["male, blond"]
    assert targets == [{**WAVY, "gender": "male", "hair_color": "blond"}]


def test_without_a_wish_every_other_class_is_shown():
    captions, targets = edits_of(WAVY)
    assert captions == ["male", "black", "blond", "gray", "bald", "straight"]
    bald = {"hair_color": "bald", "hair_type": "bald"}
    assert targets[4] == {**WAVY, **bald}
    assert len(edits_of({})[0]) == 9
    # Whoever gets hair is bald no more.
    captions, targets = edits_of({"gender": "male", **bald})
    for target in targets[1:]:
        assert "bald" not in target.values()
    assert captions[-1] == "wavy"
    assert targets[-1]["hair_color"] == "unknown"
