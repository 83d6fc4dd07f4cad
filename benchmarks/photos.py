"""Faces in photographs: how many are found, and what their answers lose.

    python -m benchmarks.photos --bundle BUNDLE --originals UTKFace.zip

Portraits of a test split, and pictures of UTKFace with their margin, are pasted
into larger scenes at a random place, size and angle, saved as JPEG, and
answered as `training.predict` does. What is lost is the share of right answers
less than of the portrait itself, of the same portraits; that of a picture of
UTKFace is the best of several fixed crops of it, as it has no such portrait.
Then pictures that show no face are looked at.
"""

import collections
import dataclasses
import math
import pathlib
import time
import zipfile

import numpy as np
from tqdm import tqdm

from benchmarks.scenes import KINDS
from benchmarks.scenes import place_portrait
from benchmarks.scenes import without_faces
from benchmarks.tables import print_markdown
from datasets.utk_face.labels import read_labels
from tp_keras.data.labels import is_known
from tp_keras.data.source import load_portraits
from tp_keras.records.intervals import wilson_interval
from tp_keras.serving import PhotoPredictor
from tp_keras.serving import read_photo
from tp_keras.serving.framing import cut
from tp_keras.serving.framing import measure_framing
from tp_keras.serving.sampling import sample
from tp_keras.serving.sampling import turned
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from training.command import run

# A face is found if the eyes are no farther off than this share of the
# portrait's height.
_NEAR = 0.15

# Height of a portrait as a share of a picture of UTKFace, of the fixed crops.
_CROPS = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)

_SIZES = ((60, 90), (90, 150), (150, 400), (400, 1200))
_ADULTS = 18, 70


@dataclasses.dataclass(frozen=True)
class Photos:
    """Prints recall, accuracy lost, and false faces."""

    bundle: str
    """Folder of a bundle, or of its versions."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    dataset: str = "tiny_portraits/archives"
    """Data set of the portraits."""
    split: str = "test"
    """Its split."""
    originals: pathlib.Path | None = None
    """UTKFace.zip, for pictures with a margin."""
    count: int = 2000
    """The number of scenes, of UTKFace what the split doesn't give."""
    faceless: int = 300
    """The number of pictures without a face."""
    seed: int = 0
    """Seed of all scenes."""

    def execute(self) -> None:
        """Measures and prints."""
        predictor = PhotoPredictor(self.bundle)
        portraits = load_portraits(
            self.data_dir, self.dataset, self.split, "memory", progress=False
        ).seen_as(predictor.schema)
        count = min(len(portraits), self.count)
        tasks = predictor.tasks
        labels = {t.name: portraits.labels[t.name][:count] for t in tasks}
        print(f"Bundle: {predictor.bundle_dir.parent.name}\n")
        self._measure(
            f"{portraits.dataset} {self.split}",
            predictor,
            portraits.images[:count],
            labels,
            predictor.predict(portraits.images[:count]),
            predictor.metadata["framing"],
        )
        if self.originals is not None and self.count > count:
            images, genders = _read_originals(
                self.originals, self.count - count, self.seed
            )
            task = predictor.schema.task("gender")
            labels = {"gender": np.array([*map(task.classes.index, genders)])}
            framing = measure_framing(images[:500], predictor.finder)
            self._measure(
                "UTKFace, adults",
                predictor,
                images,
                labels,
                _best_crop(predictor, images, labels),
                framing,
            )
        self._look_at_nothing(predictor)

    def _measure(self, name, predictor, images, labels, itself, framing):
        """Prints what is found, and what is lost, of pictures in scenes."""
        rng = np.random.default_rng(self.seed)
        found, seconds, others = [], [], 0
        height, width = images.shape[1:3]
        eyes = np.array(framing["eyes"]) * [width, height]
        size = framing["box"]["size"] * height
        shape = predictor.schema.image_shape
        # Where the finder would err in nothing.
        exact, scenes = [], []
        for image in tqdm(images, name, unit="scene"):
            scene = place_portrait(image, rng)
            start = time.perf_counter()
            photo = read_photo(scene.data)
            faces = predictor.find(photo)
            seconds.append(time.perf_counter() - start)
            to_photo = scene.map / photo.scale
            expected = to_photo @ [*eyes, 1]
            scale = math.hypot(*to_photo[:, 0])
            gaps = [
                math.dist(face.between_eyes, expected) / scale / height
                for face in faces
            ]
            best = int(np.argmin(gaps)) if gaps else None
            hit = best is not None and gaps[best] < _NEAR
            others += len(faces) - hit
            face = faces[best] if hit else None
            own = predictor.metadata["framing"]
            found.append(face and cut(photo.pixels, face, own, shape))
            true = turned(
                expected,
                np.array(own["eyes"]) * shape[1::-1],
                size * scale / (own["box"]["size"] * shape[0]),
                scene.angle,
            )
            exact.append(sample(photo.pixels, true, shape[:2]))
            scenes.append(scene)
        hits = np.array([portrait is not None for portrait in found])
        heights = np.array([scene.height for scene in scenes])
        print(f"\n## {name}: {len(images):,} scenes\n")
        rows = [
            _share_row(
                f"{low} to {high} px", hits[(heights >= low) & (heights < high)]
            )
            for low, high in _SIZES
        ]
        print_markdown(
            ["height in the scene", "scenes", "found"],
            [*rows, _share_row("all", hits)],
        )
        print(
            f"\nOther faces: {others}. Reading and finding: "
            f"{1e3 * np.median(seconds):.0f} ms in the median.\n"
        )
        # Where none is found, no answer is given; it counts with the recall.
        rows = np.flatnonzero(hits)
        roads = {
            "found": predictor.predict(np.stack([found[i] for i in rows])),
            "framed exactly": predictor.predict(
                np.stack([exact[i] for i in rows])
            ),
        }
        table = []
        for task in predictor.tasks:
            if task.name not in labels:
                continue
            for road, answers in roads.items():
                before = _right(task, itself[task.name][rows], labels, rows)
                after = _right(task, answers[task.name], labels, rows)
                table.append([task.name, road, *_loss_row(before, after)])
                if road != "found":
                    continue
                for low, high in _SIZES:
                    part = (heights[rows] >= low) & (heights[rows] < high)
                    part = part[is_known(task, labels[task.name][rows])]
                    cells = _loss_row(before[part], after[part])
                    table.append([task.name, f"{low} to {high} px", *cells])
        header = [
            "task",
            "cut out",
            "n",
            "itself",
            "in the scene",
            "lost, points",
        ]
        print_markdown(header, table)

    def _look_at_nothing(self, predictor):
        """Prints in how many pictures without a face one is found."""
        names, wrong = list(KINDS), collections.Counter()
        pictures = without_faces(self.faceless, self.seed)
        for index, picture in enumerate(tqdm(pictures, "no faces")):
            if predictor.finder.find(np.asarray(picture)):
                wrong[names[index % len(names)].split()[0]] += 1
        low, high = wilson_interval(wrong.total(), len(pictures))
        print(
            f"\nPictures without a face: {len(pictures)}; with a false one "
            f"{wrong.total()} ({wrong.total() / len(pictures):.3f} "
            f"[{low:.3f}, {high:.3f}]) {dict(wrong) or ''}"
        )


def _share_row(name, hits):
    if not len(hits):
        return [name, "0", "-"]
    low, high = wilson_interval(int(hits.sum()), len(hits))
    return [
        name,
        f"{len(hits):,}",
        f"{hits.mean():.3f} [{low:.3f}, {high:.3f}]",
    ]


def _right(task, answers, labels, rows) -> np.ndarray:
    """Returns which answers of known labels are right."""
    true = labels[task.name][rows]
    known = is_known(task, true)
    if task.kind == REGRESSION:
        right = np.abs(answers - true) <= task.tolerance
    elif task.kind == MULTI_LABEL:
        right = (answers > 0.5) == true
    else:
        right = task.predicted(answers) == true
    return right[known]


def _loss_row(before, after):
    """Returns cells: n, both shares, and the points lost with an interval.

    The interval is that of a difference of paired shares: only portraits that
    are answered differently count (A. Agresti, Categorical Data Analysis).
    """
    count = len(before)
    if not count:
        return ["0", "-", "-", "-"]
    gained, lost = (after & ~before).sum(), (before & ~after).sum()
    loss = (lost - gained) / count
    spread = (lost + gained - (lost - gained) ** 2 / count) / count**2
    reach = 1.96 * math.sqrt(spread)
    low, high = 100 * (loss - reach), 100 * (loss + reach)
    return [
        f"{count:,}",
        f"{before.mean():.3f}",
        f"{after.mean():.3f}",
        f"{100 * loss:+.1f} [{low:+.1f}, {high:+.1f}]",
    ]


def _read_originals(path, count, seed):
    """Returns pictures of adults uint8 [count, 200, 200, 3] and genders."""
    import io

    from PIL import Image

    images, genders = [], []
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".jpg"))
        for index in np.random.default_rng(seed).permutation(len(names)):
            labels = read_labels(pathlib.Path(names[index]).name)
            if not _ADULTS[0] <= labels.age <= _ADULTS[1]:
                continue
            with Image.open(io.BytesIO(archive.read(names[index]))) as image:
                images.append(np.asarray(image.convert("RGB")))
            genders.append(labels.gender)
            if len(images) == count:
                break
    return np.stack(images), genders


def _best_crop(predictor, images, labels):
    """Returns the answers of the fixed crop that is right most often."""
    height, width, _ = predictor.schema.image_shape
    best = None
    for share in _CROPS:
        side = images.shape[1]
        middle = (side / 2, side / 2)
        matrix = turned(
            middle, (width / 2, height / 2), share * side / height, 0
        )
        crops = np.stack([sample(x, matrix, (height, width)) for x in images])
        answers = predictor.predict(crops)
        right = np.mean(
            [
                _right(
                    predictor.schema.task(name),
                    answers[name],
                    labels,
                    slice(None),
                ).mean()
                for name in labels
            ]
        )
        print(f"Fixed crop, {share:.1f} of the picture high: {right:.3f}")
        if best is None or right > best[0]:
            best = right, answers
    return best[1]


if __name__ == "__main__":
    run(Photos)
