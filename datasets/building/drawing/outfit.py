"""What a person wears: clothes, glasses and hats."""

import dataclasses

import numpy as np

from .canvas import CLOTH
from .canvas import Canvas
from .canvas import mirror
from .canvas import mix
from .canvas import shade
from .canvas import smooth
from .dice import Dice

_FABRICS = (
    (36, 38, 48), (226, 222, 214), (44, 62, 98), (128, 40, 46), (70, 92, 74),
    (196, 152, 86), (92, 68, 104), (70, 130, 140), (206, 118, 102),
    (120, 120, 124), (66, 48, 40), (222, 184, 176),
)  # fmt: skip
_COLLARS = ("round", "round", "vee", "shirt", "jacket")
HATS = ("beanie", "cap", "brim")
# How often which are worn.
GLASSES = {"round": 0.06, "square": 0.07, "sun": 0.03}


@dataclasses.dataclass(frozen=True)
class Outfit:
    """Clothes, glasses and hat.

    Attributes:
        fabric: The colour of the clothes.
        second: A second colour, of shirt, stripes or hat band.
        collar: One of round, vee, shirt and jacket.
        stripes: How visible stripes on the fabric are, 0 to 1.
        glasses: One of none, round, square and sun.
        frame: The colour of the frame of the glasses.
        hat: One of none, beanie, cap and brim.
        hat_color: The colour of the hat.
        hat_height: How far up the hat sits, in face units.
    """

    fabric: tuple[float, ...]
    second: tuple[float, ...]
    collar: str
    stripes: float
    glasses: str
    frame: tuple[float, ...]
    hat: str
    hat_color: tuple[float, ...]
    hat_height: float

    @classmethod
    def draw(cls, dice: Dice, hat_rate: float) -> "Outfit":
        """Draws an outfit with a hat in a share `hat_rate` of the cases."""

        def fabric():
            return shade(dice.choice(_FABRICS), dice.uniform(0.75, 1.15))

        return cls(
            fabric=fabric(),
            second=fabric(),
            collar=dice.choice(_COLLARS),
            stripes=dice.uniform(0.3, 0.8) if dice.chance(0.25) else 0.0,
            glasses=dice.weighted({"none": 0.84} | GLASSES),
            frame=mix((24, 22, 26), (132, 84, 52), dice.uniform() ** 2),
            hat=dice.choice(HATS) if dice.chance(hat_rate) else "none",
            hat_color=fabric(),
            hat_height=dice.normal(0, 0.07),
        )


def draw_clothes(canvas: Canvas, outfit: Outfit) -> None:
    """Draws the shoulders, with one of the collars."""
    drop = -canvas.pose.yaw * 0.05
    depth = {"round": 2.0, "vee": 2.35, "shirt": 2.15, "jacket": 2.45}
    right = [
        (0.62, 1.68), (1.1, 1.86), (1.85, 2.12), (2.4, 2.6), (2.7, 4.2),
    ]  # fmt: skip
    shoulders = smooth(right, 3, closed=False)
    neckline = np.array([(0.0, depth[outfit.collar])])
    half = np.concatenate([neckline, shoulders])
    if outfit.collar == "jacket":
        shirt = mirror([(0, 2.05), (0.6, 1.72), (0.9, 4.2)])
        canvas.polygon(shirt, (232, 230, 226), CLOTH)
        tie = mirror([(0.12, 2.08), (0.08, 2.2), (0.2, 4.2)])
        canvas.polygon(tie, outfit.second, CLOTH)
    if outfit.collar == "round":
        curve = smooth([(0.0, 2.02), (0.36, 1.93), (0.62, 1.66)], 3, False)
        half = np.concatenate([curve, shoulders[1:]])
    points = mirror(half) + (drop, 0)
    canvas.polygon(points, outfit.fabric, CLOTH)
    if outfit.collar == "round":
        canvas.line(
            mirror(half[:7])[np.r_[7:14, 0:7]] + (drop, 0.02),
            0.06,
            shade(outfit.fabric, 0.82),
        )
        return
    for side in (-1, 1):
        if outfit.collar == "shirt":
            flap = [(0.56, 1.5), (0.05, 2.15), (0.42, 2.4), (0.82, 1.8)]
            canvas.polygon(
                np.array(flap) * (side, 1) + (drop, 0),
                shade(outfit.fabric, 1.13), CLOTH,
            )  # fmt: skip
        if outfit.collar == "jacket":
            lapel = [(0.62, 1.62), (0.0, 2.5), (0.5, 2.55), (0.95, 1.85)]
            canvas.polygon(
                np.array(lapel) * (side, 1) + (drop, 0),
                shade(outfit.fabric, 0.84), CLOTH,
            )  # fmt: skip


def draw_glasses(canvas: Canvas, outfit: Outfit, width: float) -> None:
    """Draws glasses for a face of the given relative width."""
    if outfit.glasses == "none":
        return
    turn = canvas.pose.yaw * 0.18
    round_ = outfit.glasses == "round"
    for side in (-1, 1):
        if round_:
            corners = [(0.28, 0), (0, 0.26), (-0.28, 0), (0, -0.26)]
        else:
            corners = [(0.36, -0.17), (0.3, 0.2), (0.0, 0.25), (-0.28, 0.19),
                       (-0.33, -0.17), (0.0, -0.21)]  # fmt: skip
        rim = smooth(corners, 4) * (side * width, 1)
        rim = rim + (side * 0.46 * width + turn, -0.19)
        if outfit.glasses == "sun":
            canvas.polygon(rim, shade(outfit.frame, 0.7), CLOTH)
            gleam = (rim - rim.mean(0)) * 0.45 + rim.mean(0) - (0.07, 0.05)
            canvas.polygon(gleam, mix(outfit.frame, (150, 160, 176), 0.3))
        closed = np.concatenate([rim, rim[:2]])
        canvas.line(closed, 0.048, outfit.frame)
        temple = [
            (side * 0.8 * width + turn, -0.24),
            (side * 1.0 * width, -0.2),
        ]
        canvas.line(temple, 0.05, outfit.frame)
    bridge = [(-0.15 + turn, -0.2), (turn, -0.25), (0.15 + turn, -0.2)]
    canvas.line(bridge, 0.05, outfit.frame)


def draw_hat(canvas: Canvas, outfit: Outfit, volume: float) -> None:
    """Draws a hat over hair of the given volume."""
    if outfit.hat == "none":
        return
    up, out = outfit.hat_height, 0.08 + 0.8 * volume
    color = outfit.hat_color
    turn = canvas.pose.yaw * 0.12
    dome = mirror(
        [(0.35, -1.95 - volume + up), (0.8, -1.7 - volume + up),
         (1.03 + out, -1.2 + up), (1.06 + out, -0.82 + up),
         (0.6, -0.72 + up)]
    )  # fmt: skip
    canvas.polygon(smooth(dome, 4), color, CLOTH)
    if outfit.hat == "beanie":
        cuff = [(1.1 + out, -1.08 + up), (1.1 + out, -0.76 + up),
                (0.4, -0.64 + up)]  # fmt: skip
        canvas.polygon(smooth(mirror(cuff), 3), shade(color, 1.18), CLOTH)
        for column in range(-4, 5):
            x = column * 0.26
            rib = [(x, -1.06 + up), (x * 1.02, -0.7 + up)]
            canvas.line(rib, 0.03, shade(color, 0.92))
        return
    if outfit.hat == "cap":
        visor = [(-0.95, -0.84), (-0.5, -0.98), (0.5, -0.98), (0.95, -0.84),
                 (0.62, -0.58), (-0.62, -0.58)]  # fmt: skip
        points = smooth(np.array(visor) + (2.5 * turn, up), 4)
        canvas.polygon(points, shade(color, 0.72), CLOTH)
        canvas.line(
            [(0, -1.9 + up), (turn, -0.95 + up)], 0.03, shade(color, 0.8)
        )
        return
    band = mirror([(1.07 + out, -1.12 + up), (1.08 + out, -0.8 + up)])
    canvas.polygon(band, outfit.second, CLOTH)
    brim = [
        (1.2, -1.02), (1.95, -0.85), (1.3, -0.64), (0.0, -0.58),
        (-1.3, -0.64), (-1.95, -0.85), (-1.2, -1.02), (0.0, -0.9),
    ]  # fmt: skip
    canvas.polygon(
        smooth(np.array(brim) + (0, up), 4), shade(color, 0.85), CLOTH
    )
