"""Portraits of a table of labels, and their counterfactuals."""

import dataclasses
import math

import numpy as np

from ...building.drawing import portrait
from ...building.drawing.camera import Camera
from ...building.drawing.camera import Light
from ...building.drawing.camera import take
from ...building.drawing.canvas import Pose
from ...building.drawing.dice import Dice
from ...building.drawing.hair import Hair
from ...building.drawing.head import GenderCues
from ...building.drawing.head import Head
from ...building.drawing.outfit import Outfit
from ...building.drawing.portrait import render
from ...building.drawing.scene import Scene
from .. import facts
from . import labels

# The share of hats, by how many hair labels are missing: nobody can label hair
# that is not seen.
_HAT_RATES = (0.015, 0.05, 0.14)


_SIZE = (facts.HEIGHT, facts.WIDTH)


class Appearance(portrait.Appearance):
    """An appearance that is drawn for labels."""

    @classmethod
    def draw(
        cls,
        seed: int,
        index: int,
        gender: str,
        hair_color: str,
        hair_type: str,
        *,
        source: int | None = None,
        missing: int = 0,
        fault: str | None = None,
    ) -> "Appearance":
        """Draws the appearance of portrait `index` of `seed`.

        Args:
            seed: The seed of the pack.
            index: The image index.
            gender: The class that the picture shows; likewise of the hair.
            hair_color: Likewise.
            hair_type: Likewise.
            source: For a near duplicate, the index of the first shot.
            missing: The number of missing hair labels: the more, the more hats.
            fault: None, or one of the names of `labels.OUTLIER_RATES`.
        """
        source = index if source is None else source
        person = Dice(seed, source, 0)
        looks = cls(
            head=Head.draw(person),
            cues=GenderCues.draw(Dice(seed, source, 1), gender),
            hair=Hair.draw(person, gender, hair_color, hair_type),
            outfit=Outfit.draw(person, _HAT_RATES[missing]),
            pose=_draw_pose(person),
            scene=Scene.draw(person, _SIZE),
            light=Light.draw(person),
            camera=Camera.draw(person, _SIZE, fault),
        )
        if source == index:
            return looks
        again = Dice(seed, index, 2)
        return dataclasses.replace(
            looks,
            pose=looks.pose.nudge(again),
            camera=Camera.draw(again, _SIZE, fault),
        )

    @classmethod
    def of(
        cls, table: labels.LabelTable, seed: int, index: int
    ) -> "Appearance":
        """Draws the appearance of portrait `index` of a table of labels."""
        fault = int(table.outlier[index])
        return cls.draw(
            seed,
            int(index),
            *labels.label_names(table.shown[index]),
            source=int(table.source[index]),
            missing=int((table.labels[index, 1:] == labels.MISSING).sum()),
            fault=None if fault < 0 else list(labels.OUTLIER_RATES)[fault],
        )

    def with_cues_of(self, seed: int, source: int, gender: str) -> "Appearance":
        """Returns the same portrait with the cues of another gender."""
        cues = GenderCues.draw(Dice(seed, source, 1), gender)
        return dataclasses.replace(self, cues=cues)


def _draw_pose(dice: Dice) -> Pose:
    """Draws the framing of a thumbnail: centred, with some jitter."""
    return Pose(
        x=facts.WIDTH / 2 + dice.normal(0, 2.4),
        y=facts.HEIGHT * 0.56 + dice.normal(0, 2.6),
        unit=20.2 * math.exp(dice.normal(0, 0.085)),
        roll=dice.normal(0, 0.13),
        yaw=dice.normal(0, 0.5, limit=2.0),
        size=_SIZE,
    )


def draw_counterfactual(
    appearance: Appearance, other: Appearance
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a portrait and its counterfactual, which differ in the cues only.

    Blur and JPEG carry a change into its surroundings, so whatever the cues
    leave alone before the camera is taken over from the first picture.

    Args:
        appearance: A portrait.
        other: The same portrait with other gender cues.

    Returns:
        Both pictures, uint8 [108, 84, 3].
    """
    picture, regions = render(appearance)
    changed_picture, _ = render(other)
    photograph = take(picture, appearance.light, appearance.camera)
    changed = take(changed_picture, other.light, other.camera)
    touched = (picture != changed_picture).any(axis=0) & (regions[1] == 0)
    return photograph, np.where(touched[..., None], changed, photograph)
