"""Hair: its colour, its outline, and the strands inside it."""

import dataclasses
import functools
import math

import numpy as np

from .canvas import HAIR
from .canvas import Canvas
from .canvas import as_complex
from .canvas import as_points
from .canvas import mix
from .canvas import shade
from .canvas import smooth
from .dice import Dice

# The darkest and the brightest hair of a colour; neighbours overlap.
COLOR_RANGES = {
    "black": ((20, 18, 22), (62, 48, 42)),
    "brown": ((56, 38, 30), (152, 106, 70)),
    "blond": ((146, 108, 66), (232, 204, 150)),
    "gray": ((104, 102, 102), (214, 212, 210)),
    "red": ((104, 40, 20), (214, 104, 58)),
}
# The colour of what is left beside a bald crown, or of the brows.
_BALD_COLORS = {"black": 3, "brown": 3, "blond": 1, "gray": 2}

# How far below the eyes hair reaches, in face units: by gender, mean and
# spread. The ranges overlap, so the length says little.
_LENGTHS = {"female": (0.85, 0.75), "male": (0.4, 0.8)}
_SHORTEST, _LONGEST = -0.35, 1.9


@dataclasses.dataclass(frozen=True)
class Hair:
    """The hair of a person.

    Attributes:
        color: The colour at full light.
        highlight: The colour of the brighter streaks.
        streaks: How strong those are, 0 to 1.
        bald: 0 for hair all over, else how far the crown is bare, up to 1.
        length: How far hair reaches below the eyes, in face units.
        volume: The thickness of the hair around the skull.
        wave: How strongly the strands wave, 0 (straight) to about 1.
        wavelength: The length of a wave in face units.
        strands: The number of strands across a face unit.
        hairline: The height of the hairline, in face units (negative: up).
        fringe: 0 for a bare forehead, 1 for a fringe down to the brows.
        part: Where the parting is, -1 to 1.
        locks: Width of the locks that fall beside the face; 0 shows the ears.
        phase: Where the pattern of the strands begins.
    """

    color: tuple[float, ...]
    highlight: tuple[float, ...]
    streaks: float
    bald: float
    length: float
    volume: float
    wave: float
    wavelength: float
    strands: float
    hairline: float
    fringe: float
    part: float
    locks: float
    phase: float

    @classmethod
    def draw(
        cls, dice: Dice, gender: str, hair_color: str, hair_type: str
    ) -> "Hair":
        """Draws hair of a colour and a type."""
        bald = hair_type == "bald" or hair_color == "bald"
        pigment = hair_color
        if hair_color == "bald":
            pigment = dice.weighted(_BALD_COLORS)
        low, high = COLOR_RANGES[pigment]
        color = mix(low, high, min(1.05, max(-0.05, dice.normal(0.5, 0.27))))
        tint = dice.normal(0, 0.03)
        color = (color[0] * (1 + tint), color[1], color[2] * (1 - tint))
        mean, spread = _LENGTHS[gender]
        length = dice.normal(mean, spread)
        length = min(_LONGEST, max(_SHORTEST, length))
        if bald:
            length = dice.uniform(-0.1, 0.25)
        if hair_type == "wavy":
            wave = max(0.4, dice.normal(0.88, 0.25))
        else:
            wave = abs(dice.normal(0.0, 0.11))
        return cls(
            color=color,
            highlight=mix(
                shade(color, dice.uniform(1.25, 1.7)), (226, 190, 140), 0.15
            ),
            streaks=dice.uniform(0.0, 0.8) ** 1.5,
            bald=dice.uniform(0.45, 1.0) if bald else 0.0,
            length=length,
            volume=dice.uniform(0.06, 0.32),
            wave=wave,
            wavelength=dice.uniform(0.4, 0.95),
            strands=dice.uniform(5.0, 8.0),
            hairline=dice.normal(-1.02, 0.12),
            fringe=dice.uniform(0.4, 1.0) if dice.chance(0.33) else 0.0,
            part=dice.normal(0, 0.4, 2.0),
            locks=(
                dice.uniform(0.1, 0.42)
                if length > 0.45 and dice.chance(0.85)
                else 0.0
            ),
            phase=dice.uniform(0, 100),
        )


def _ripple(points: np.ndarray, hair: Hair, share=1.0) -> np.ndarray:
    """Lets an outline swing in and out as the strands of the hair wave."""
    places = as_complex(points)
    ahead = np.empty_like(places)
    np.subtract(places[2:], places[:-2], out=ahead[1:-1])
    ahead[0] = places[1] - places[-1]
    ahead[-1] = places[0] - places[-2]
    step = np.abs(ahead)
    step += 1e-6
    along = step.cumsum()
    along *= 0.5
    swing = np.sin(along * (2 * math.pi / hair.wavelength) + hair.phase)
    swing *= 0.085 * hair.wave * share
    swing += 0.014 * np.sin(along * 23 + hair.phase * 7)
    swing /= step
    return as_points(places - 1j * ahead * swing)


def draw_hair_behind(canvas: Canvas, hair: Hair) -> None:
    """Draws what of the hair lies behind head and neck."""
    if hair.bald:
        return
    v, end = hair.volume, hair.length
    if end < 0.3:
        side = [(1.02 + 0.5 * v, -0.2), (0.98 + 0.3 * v, max(end, -0.1))]
    else:
        side = [
            (1.06 + v, -0.2),
            (1.1 + 1.1 * v, 0.45 * end),
            (1.12 + 1.2 * v, 0.85 * end),
            (0.85 + v, end + 0.12),
        ]
    right = np.array(
        [(0.35, -1.74 - v), (0.75, -1.52 - v), (1.03 + 0.8 * v, -1.0), *side]
    )
    left = right[::-1] * (-1, 1) + (0, 0.05 * math.sin(hair.phase))
    points = smooth(np.concatenate([right, left]), 6)
    points = points + (hair.part * 0.05 - canvas.pose.yaw * 0.06, 0)
    canvas.polygon(_ripple(points, hair), shade(hair.color, 0.8), HAIR)


def draw_hair_in_front(canvas: Canvas, hair: Hair) -> None:
    """Draws hair on the skull, over the forehead and beside the face."""
    if hair.bald:
        _draw_fringe_of_bald(canvas, hair)
        return
    v, line = hair.volume, hair.hairline
    turn = canvas.pose.yaw * 0.1
    part = hair.part * 0.5 + turn
    low = line + hair.fringe * (-0.55 - line)
    temple = 0.1 if hair.length > -0.1 else -0.15
    outer = [
        (-0.98 - 0.3 * v, temple),
        (-1.03 - 0.6 * v, -0.55),
        (-0.97 - 0.8 * v, -1.12),
        (-0.6 - 0.3 * v, -1.6 - 0.8 * v),
        (0.0, -1.76 - v),
        (0.6 + 0.3 * v, -1.6 - 0.8 * v),
        (0.97 + 0.8 * v, -1.12),
        (1.03 + 0.6 * v, -0.55),
        (0.98 + 0.3 * v, temple),
    ]
    open_ = (1 - hair.fringe) * 0.16
    inner = [
        (0.93, -0.2),
        (0.86, -0.62 - open_),
        ((part + 0.8) / 2 + 0.08, low + 0.10 - open_),
        (part, low - 0.12 * (1 - hair.fringe)),
        ((part - 0.8) / 2 - 0.08, low + 0.10 - open_),
        (-0.86, -0.62 - open_),
        (-0.93, -0.2),
    ]
    points = smooth(outer + inner, 5)
    canvas.polygon(_ripple(points, hair, 0.7), hair.color, HAIR)
    if hair.locks:
        _draw_locks(canvas, hair)


def _draw_locks(canvas: Canvas, hair: Hair) -> None:
    """Draws the locks that fall beside the cheeks and over the shoulders."""
    v, end = hair.volume, hair.length
    for side in (-1, 1):
        inside = 1.08 - hair.locks * (1 - 0.5 * side * canvas.pose.yaw)
        lock = [
            (0.9 + v * 0.5, -1.0),
            (1.08 + v, -0.3),
            (1.12 + 1.1 * v, 0.5 * end),
            (1.1 + 1.2 * v, 0.85 * end),
            (0.95 + v, end + 0.1),
            (inside - 0.1, end),
            (inside, 0.55 * end),
            (inside + 0.06, 0.05),
            (0.82, -0.6),
        ]
        points = smooth(lock, 5) * (side, 1)
        canvas.polygon(_ripple(points, hair), hair.color, HAIR)


def _draw_fringe_of_bald(canvas: Canvas, hair: Hair) -> None:
    """Draws the ring of hair that a bald crown leaves at the sides."""
    if hair.bald > 0.8:
        return
    high = -0.25 - 0.75 * (0.8 - hair.bald)
    for side in (-1, 1):
        shape = [
            (1.05, 0.05), (1.1, -0.3), (1.02, high - 0.25), (0.93, high - 0.1),
            (0.92, -0.25), (0.95, 0.0),
        ]  # fmt: skip
        points = smooth(shape, 4) * (side, 1)
        canvas.polygon(_ripple(points, hair), hair.color, HAIR)


@functools.cache
def _strand_noise() -> np.ndarray:
    """A periodic texture of strands, float32 [64 along, 1024 across] in -1..1.

    Neighbouring strands differ, a strand changes slowly along its length.
    """
    generator = np.random.default_rng(20)
    noise = np.fft.rfft2(generator.standard_normal((64, 1024)))
    along = np.fft.fftfreq(64)[:, None] * 64
    across = np.fft.rfftfreq(1024)[None] * 1024
    keep = np.exp(-((along / 5) ** 2)) * (
        np.exp(-((across / 110) ** 2)) + 1.5 * np.exp(-((across / 22) ** 2))
    )
    texture = np.fft.irfft2(noise * keep, s=(64, 1024))
    texture /= 2 * texture.std()
    return np.clip(texture, -1, 1).astype(np.float32)


def shade_strands(
    hair: Hair, light, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Computes how bright hair would be at some places.

    Args:
        hair: The hair.
        light: Direction (x, y) of the light, in face units.
        x: x of the places in face units, float32 [n].
        y: y of the places in face units, float32 [n].

    Returns:
        The factor of brightness, and the share of the highlight colour, both
        float32 [n].
    """
    single = np.float32
    # Strands leave the parting sideways and then hang down: parabolas.
    fall = np.clip(y + single(1.95), single(0.16), single(2.2))
    across = (x - single(hair.part * 0.45)) / np.sqrt(fall)
    turns = y * single(2 * math.pi / hair.wavelength)
    turns += across * single(2.6) + single(hair.phase)
    swing = np.sin(turns)
    waved = across + swing * single(0.075 * hair.wave)
    column = (waved * single(hair.strands * 16) + single(5000)).astype(np.int32)
    row = (y * single(5) + single(100 + hair.phase)).astype(np.int32)
    strands = _strand_noise().ravel().take(((row & 63) << 10) + (column & 1023))
    # A wave turns towards the light and away from it again.
    facing = swing * np.cos(across * single(9.0) + single(hair.phase))
    bright = strands * single(0.30) + facing * single(0.32 * hair.wave)
    # The crown shines in a band; strands break it up.
    radius = np.sqrt(x * x * single(0.9) + (y + single(0.25)) ** 2)
    band = (radius - single(1.38 + 0.3 * hair.volume)) * single(6.0)
    shine = np.exp(-band * band) * (single(0.8) + strands * single(0.6))
    side = x * single(0.16 * light[0]) + y * single(0.10 * light[1])
    depth = np.clip(y * single(-0.13), -0.2, 0.1)
    bright += single(0.98) + side + depth + shine * single(0.22)
    streaks = np.clip(strands * single(0.9) + shine * single(0.5), 0, 1)
    return np.maximum(bright, single(0.3)), streaks * single(hair.streaks)
