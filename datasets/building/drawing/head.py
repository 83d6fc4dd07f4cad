"""The head: neck, ears, face, eyes, brows, nose, mouth and beard."""

import dataclasses

import numpy as np

from .canvas import SKIN
from .canvas import Canvas
from .canvas import mirror
from .canvas import mix
from .canvas import shade
from .canvas import smooth
from .dice import Dice

# From fair to dark.
SKIN_TONES = (
    (242, 208, 186),
    (236, 194, 165),
    (228, 178, 142),
    (205, 150, 112),
    (164, 111, 78),
    (118, 76, 54),
)
_IRIS_COLORS = ((74, 50, 34), (104, 72, 40), (78, 104, 74), (74, 112, 148))

# A cue is drawn from N(+shift, 1) for men and N(-shift, 1) for women: none of
# them is telling alone.
CUE_SHIFT = 1.05
_CUE_LIMIT = 2.0
_BEARD_RATES = {
    "male": {"none": 0.5, "stubble": 0.2, "full": 0.14, "goatee": 0.08,
             "moustache": 0.08},
    "female": {"none": 0.97, "stubble": 0.03},
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class GenderCues:
    """What differs between the two portraits of a counterfactual pair.

    Attributes:
        brow: Thick and low (positive) or thin and high (negative) brows.
        jaw: Wide (positive) or tapered (negative) jaw.
        lips: Pale, thin (positive) or red, full (negative) lips.
        lashes: Plain (positive) or dark (negative) lashes and lids.
        beard: One of none, stubble, full, goatee and moustache.
    """

    brow: float
    jaw: float
    lips: float
    lashes: float
    beard: str

    @classmethod
    def draw(cls, dice: Dice, gender: str) -> "GenderCues":
        """Draws the cues; the same dice give the same person's other look."""
        shift = CUE_SHIFT if gender == "male" else -CUE_SHIFT
        return cls(
            *(shift + dice.normal(limit=_CUE_LIMIT) for _ in range(4)),
            beard=dice.weighted(_BEARD_RATES[gender]),
        )


@dataclasses.dataclass(frozen=True)
class Head:
    """What a head looks like, gender cues and hair aside.

    Attributes:
        skin: The colour of the skin.
        width: The width of the face, about 1.
        height: The length of the face below the eyes, about 1.
        chin: How pointed the chin is, about 0.
        eye_size: About 1.
        eye_tilt: Rise of the outer corners of the eyes, in face units.
        iris: The colour of the iris.
        gaze: Where the eyes look, x, about 0.
        nose: The width of the nose, about 1.
        smile: -0.4 (serious) to 1 (laughing).
        blush: How red the cheeks are.
        ears: The size of the ears, about 1.
        wrinkles: 0 for none, 1 for many.
    """

    skin: tuple[float, ...]
    width: float
    height: float
    chin: float
    eye_size: float
    eye_tilt: float
    iris: tuple[float, ...]
    gaze: float
    nose: float
    smile: float
    blush: float
    ears: float
    wrinkles: float = 0.0

    @classmethod
    def draw(cls, dice: Dice) -> "Head":
        """Draws a head."""
        tone = dice.uniform() ** 1.5 * (len(SKIN_TONES) - 1.001)
        skin = mix(SKIN_TONES[int(tone)], SKIN_TONES[int(tone) + 1], tone % 1)
        tint = dice.normal(0, 0.02)
        return cls(
            skin=(skin[0] * (1 + tint), skin[1], skin[2] * (1 - 2 * tint)),
            width=dice.normal(1, 0.045),
            height=dice.normal(1, 0.05),
            chin=dice.normal(0, 1),
            eye_size=dice.normal(1, 0.09),
            eye_tilt=dice.normal(0.02, 0.03),
            iris=dice.choice(_IRIS_COLORS),
            gaze=dice.normal(0, 0.03),
            nose=dice.normal(1, 0.12),
            smile=dice.uniform(-0.35, 1.0),
            blush=dice.uniform(0.0, 0.14),
            ears=dice.normal(1, 0.1),
        )


# The right half of the face from top to bottom, and how far a wider jaw and a
# pointed chin move its points sideways. Below the eyes it is stretched by the
# length of the face.
_RIGHT_HALF = np.array(
    [
        (0.25, -1.68),
        (0.62, -1.5),
        (0.89, -1.12),
        (1.0, -0.55),
        (0.99, 0.0),
        (0.92, 0.45),
        (0.77, 0.86),
        (0.51, 1.2),
        (0.23, 1.4),
    ]
)
_PER_JAW = np.array([0, 0, 0, 0, 0, 0.022, 0.045, 0.055, 0.03])
_PER_CHIN = np.array([0, 0, 0, 0, 0, 0, 0, 0, -0.03])


def face_outline(head: Head, jaw: float) -> np.ndarray:
    """Returns the outline of skull and face for a width of the jaw."""
    half = _RIGHT_HALF.copy()
    half[:, 0] += _PER_JAW * jaw + _PER_CHIN * head.chin
    half[:, 0] *= head.width
    half[5:, 1] *= head.height
    return smooth(mirror(half))


# Every drawn jaw lies between these two. The room beside a narrow one lies in
# its shadow, so that the hair behind looks the same beside any jaw.
_JAW_ENDS = (CUE_SHIFT + _CUE_LIMIT, -CUE_SHIFT - _CUE_LIMIT)


def draw_neck(canvas: Canvas, head: Head) -> None:
    """Draws the neck and the ground of shadow behind the jaw."""
    yaw = canvas.pose.yaw
    neck = [(0.62, 0.6), (0.6, 1.4), (0.66, 1.8), (1.1, 2.1), (1.4, 2.9)]
    points = smooth(mirror(neck), 3) - (yaw * 0.06, 0)
    canvas.polygon(points, shade(head.skin, 0.9), SKIN)
    for jaw in _JAW_ENDS:
        # The spline carries the width of the jaw up to the temples.
        outline = face_outline(head, jaw)
        below = outline[outline[:, 1] > -0.6]
        canvas.polygon(below, shade(head.skin, 0.66), SKIN)


def draw_ears(canvas: Canvas, head: Head) -> None:
    """Draws both ears; the one that turns away is hidden by the face."""
    for side in (-1, 1):
        x = side * (1.0 * head.width + 0.03) - canvas.pose.yaw * 0.08
        size = head.ears
        canvas.ellipse(
            x, 0.03, 0.17 * size, 0.3 * size, shade(head.skin, 0.93), SKIN
        )
        canvas.ellipse(
            x + side * 0.02, 0.03, 0.09 * size, 0.19 * size,
            shade(head.skin, 0.74),
        )  # fmt: skip


def draw_face(canvas: Canvas, head: Head, cues: GenderCues, brow_color) -> None:
    """Draws the face with everything in it."""
    canvas.polygon(face_outline(head, cues.jaw), head.skin, SKIN)
    turn = canvas.pose.yaw * 0.17
    if head.wrinkles > 0:
        _draw_wrinkles(canvas, head, turn)
    _draw_beard(canvas, head, cues, brow_color, turn)
    for side in (-1, 1):
        _draw_eye(canvas, head, cues, side, turn)
        _draw_brow(canvas, head, cues, side, turn, brow_color)
    _draw_nose(canvas, head, turn)
    _draw_mouth(canvas, head, cues, turn)


def _draw_wrinkles(canvas, head, turn) -> None:
    color = shade(head.skin, 1 - 0.3 * head.wrinkles)
    thick = 0.015 + 0.02 * head.wrinkles
    for y in (-1.05, -0.9, -0.75):  # On the forehead.
        line = [(-0.5, y + 0.05), (-0.2, y), (0.2, y + 0.01), (0.5, y + 0.06)]
        canvas.line(smooth(line, 3, False) + (turn * 0.8, 0), thick, color)
    for side in (-1, 1):
        x = side * 0.46 * head.width + turn
        lines = [
            # From the nose to the mouth, below the eye, and at its corner.
            [(-0.2, 0.42), (-0.06, 0.6), (-0.03, 0.84)],
            [(-0.22, -0.02), (0.0, 0.05), (0.22, -0.02)],
            [(0.3, -0.24), (0.38, -0.28), (0.44, -0.34)],
            [(0.3, -0.18), (0.38, -0.15), (0.44, -0.1)],
        ]
        for line in lines:
            points = smooth(line, 3, False) * (side, 1) + (x, 0)
            canvas.line(points, thick, color)


def _draw_eye(canvas, head, cues, side, turn) -> None:
    x = side * 0.46 * head.width + turn
    size = head.eye_size
    # The eye that turns away looks narrower.
    width = 0.25 * size * (1 - side * turn * 0.6)
    open_ = 0.125 * size * (1 - 0.2 * max(0, head.smile))
    tilt = -side * head.eye_tilt
    almond = smooth(
        np.array(
            [
                (-width, -tilt), (-0.45 * width, -open_), (0.3 * width, -open_),
                (width, tilt), (0.4 * width, 0.72 * open_),
                (-0.5 * width, 0.72 * open_),
            ]
        )
        + (x, -0.22)
    )  # fmt: skip
    dark = max(0.0, 0.5 - 0.28 * cues.lashes)
    lid = mix(shade(head.skin, 0.72), (60, 40, 48), 0.3 * min(1.0, dark))
    canvas.polygon(almond + (0, -0.045), lid)
    canvas.polygon(almond, (228, 223, 220))
    iris_x = x + head.gaze + turn * 0.15
    radius = 0.115 * size
    canvas.disk(iris_x, -0.235, radius, shade(head.iris, 0.8))
    canvas.disk(iris_x, -0.225, radius * 0.72, head.iris)
    canvas.disk(iris_x, -0.235, radius * 0.48, (16, 12, 14))
    canvas.disk(iris_x + 0.035, -0.275, 0.035, (255, 255, 255))
    lashes = mix(shade(head.skin, 0.42), (20, 14, 16), min(1.0, 0.35 + dark))
    upper = almond[: len(almond) // 2 + 1]
    canvas.line(upper, 0.035 + 0.03 * min(1.2, dark), lashes)
    lower = almond[len(almond) // 2 :]
    canvas.line(lower, 0.02, shade(head.skin, 0.68))


def _draw_brow(canvas, head, cues, side, turn, color) -> None:
    x = side * 0.47 * head.width + turn
    thick = 0.055 + 0.017 * cues.brow
    thick = max(0.02, thick)
    y = -0.52 + 0.022 * cues.brow - 0.03 * max(0, head.smile)
    arch = 0.075 - 0.022 * cues.brow
    middle = np.array(
        [(-0.3, -0.2 * arch), (-0.08, -0.8 * arch), (0.14, -arch), (0.31, 0.05)]
    )
    heights = np.array([0.9, 1.0, 0.75, 0.15])[:, None] * (0, thick)
    shape = np.concatenate([middle - heights, (middle + heights)[::-1]])
    shape = smooth(shape, 3) * (side, 1) + (x, y)
    canvas.polygon(shape, mix(head.skin, color, 0.8))


def _draw_nose(canvas, head, turn) -> None:
    x, y = turn * 1.35, 0.44
    width = 0.19 * head.nose
    shadow = [
        (-width, 0.0), (-0.7 * width, 0.075), (0, 0.1), (0.7 * width, 0.075),
        (width, 0.0), (0.5 * width, 0.03), (0, 0.05), (-0.5 * width, 0.03),
    ]  # fmt: skip
    canvas.polygon(np.array(shadow) + (x, y), shade(head.skin, 0.8))
    for side in (-1, 1):
        canvas.ellipse(
            x + side * width * 0.55, y + 0.055, 0.055, 0.028,
            shade(head.skin, 0.48),
        )  # fmt: skip


def _draw_mouth(canvas, head, cues, turn) -> None:
    smile = max(0.0, head.smile)
    y = 0.80 * head.height
    width = 0.33 + 0.11 * smile
    full = max(0.35, 1 - 0.2 * cues.lips)
    red = min(1.0, max(0.1, 0.42 - 0.22 * cues.lips))
    lips = mix(shade(head.skin, 0.82), (196, 58, 74), red)
    corner = -0.07 * head.smile
    offset = (turn * 0.9, y)
    middle = [(-width, corner), (-0.4 * width, 0.01), (0, 0.02),
              (0.4 * width, 0.01), (width, corner)]  # fmt: skip
    upper = [(0.45 * width, -0.055 * full), (0.14 * width, -0.085 * full),
             (0, -0.065 * full), (-0.14 * width, -0.085 * full),
             (-0.45 * width, -0.055 * full)]  # fmt: skip
    gap = 0.12 * max(0.0, smile - 0.35)
    lower = [(0.5 * width, 0.10 * full + gap), (0, 0.14 * full + gap),
             (-0.5 * width, 0.10 * full + gap)]  # fmt: skip
    canvas.polygon(smooth(middle + lower, 3) + offset, shade(lips, 1.08))
    canvas.polygon(np.array(middle + upper) + offset, shade(lips, 0.88))
    if gap > 0.01:
        teeth = [(-0.8 * width, corner * 0.7), (0, 0.01),
                 (0.8 * width, corner * 0.7), (0.45 * width, 0.02 + gap),
                 (0, 0.045 + gap), (-0.45 * width, 0.02 + gap)]  # fmt: skip
        canvas.polygon(np.array(teeth) + offset, (240, 234, 226))
    else:
        canvas.line(np.array(middle) + offset, 0.025, shade(lips, 0.5))


def _draw_beard(canvas, head, cues, color, turn) -> None:
    if cues.beard == "none":
        return
    share = 0.22 if cues.beard == "stubble" else 0.82
    low = head.height
    outline = face_outline(head, cues.jaw)
    if cues.beard in ("stubble", "full"):
        jaw = outline[outline[:, 1] > 0.25]
        cheeks = [
            (0.78 - turn, 0.4),
            (0.5, 0.62),
            (0.3, 0.56),
            (0, 0.6),
            (-0.3, 0.56),
            (-0.5, 0.62),
            (-0.78 - turn, 0.4),
        ]
        # The outline starts on the right, so the cheeks run back leftwards.
        shape = np.concatenate([jaw, np.array(cheeks[::-1]) + (turn, 0)])
        # Thinner towards the edges: each layer is smaller than the last.
        for strength, grow in ((0.3, 1.0), (0.65, 0.95), (1.0, 0.9)):
            inner = (shape - (turn, 1.0)) * grow + (turn, 1.0)
            canvas.polygon(inner, mix(head.skin, color, share * strength))
        return
    if cues.beard == "goatee":
        canvas.polygon(
            smooth([(0.4, 0.75), (0.36, 1.1), (0.2, 1.36 * low),
                    (-0.2, 1.36 * low), (-0.36, 1.1), (-0.4, 0.75)])
            + (turn, 0),
            mix(head.skin, color, share),
        )  # fmt: skip
    canvas.polygon(
        smooth([(0.42, 0.76), (0.3, 0.6), (0, 0.58), (-0.3, 0.6),
                (-0.42, 0.76), (0, 0.74)]) + (turn, 0),
        mix(head.skin, color, share),
    )  # fmt: skip
