"""Goes the whole way: build, train, evaluate, export, predict, a wallpaper.

python -m training.run_all
python -m training.run_all --manual_dir FOLDER_OF_THE_ARCHIVES
python -m training.run_all --experiment NAME --dataset utk_face/synthetic

Each step is a command of its own in a process of its own, shown as it is
typed. What is up to date is not done again.
"""

import dataclasses
import pathlib
import subprocess
import sys
import time

from tp_keras.command_line import command_line
from tp_keras.command_line import process_words
from tp_keras.errors import UserError
from tp_keras.files import sha256
from tp_keras.records.record import ALL
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from tp_keras.runs.run_folder import RunFolder
from tp_keras.serving.locate import METADATA_FILE
from tp_keras.serving.locate import check_files
from tp_keras.serving.locate import read_metadata
from tp_keras.serving.server_files import serve_command

from .command import EXIT_USER_ERROR
from .command import run
from .command import shown
from .command import start_tensorflow
from .configs import find_experiment
from .endings import EXIT_UNREAD
from .evaluate import Evaluate
from .export import Export
from .fairness_report import FairnessReport
from .predict import Predict
from .serve import Serve
from .wallpaper import Wallpaper

EXAMPLES = 4
_FIGURES = {
    "accuracy": "accuracy",
    "mae": "mean error",
    "within_tolerance": "within tolerance",
}


@dataclasses.dataclass(frozen=True)
class RunAll:
    """Goes the whole way from the archives to predictions of a bundle."""

    experiment: str | None = None
    """Experiment to train: demo, real, reference, utkface, hidden_criterion or
    selfies. Default: demo, or real for archives."""
    manual_dir: pathlib.Path | None = None
    """Folder of the real archives. Without it, synthetic portraits."""
    dataset: str | tuple[str, ...] | None = None
    """Another data set than that of the experiment, or several, to train on
    jointly; examples and wallpaper are of the first."""
    run_dir: pathlib.Path | None = None
    """Folder of the run. Default: that of the experiment."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Where TFDS keeps its data sets."""
    output_dir: pathlib.Path = pathlib.Path("exported_models")
    """Folder of all exported models."""
    seed: int = 0
    """Seed of the training."""

    def execute(self) -> None:
        """Goes all steps and ends with what a reader needs."""
        start = time.monotonic()
        experiment = self.experiment or ("real" if self.manual_dir else "demo")
        config = find_experiment(experiment)
        named = self.dataset or config.data.dataset
        datasets = dataclasses.replace(config.data, dataset=named).datasets
        if self.manual_dir and len(datasets) > 1:
            raise UserError(
                "The archives are those of one data set. Expected no "
                "--manual_dir with several that are drawn; others are built by "
                "`training.build_dataset` before they are trained on. "
                f"Received: dataset={', '.join(datasets)}"
            )
        dataset, *_ = datasets
        run_dir = self.run_dir or pathlib.Path(config.run_dir)
        bundles = self.output_dir / "portrait_attributes"

        data = {"data_dir": self.data_dir, "dataset": datasets}
        archives = {"manual_dir": self.manual_dir} if self.manual_dir else {}
        train = ("training.train", experiment)
        for name in datasets:
            own = {**data, "dataset": name, **archives}
            build = command_line("training.build_dataset", **own)
            self._step(1, "Build the data set", build)
        self._step(
            2,
            "Train",
            command_line(*train, **data, run_dir=run_dir, seed=self.seed),
        )
        model = run_dir / "model.keras"
        records = run_dir / "evaluation" / "test" / "records.jsonl"
        self._step(
            3,
            "Evaluate on the test split",
            shown(Evaluate(str(run_dir))),
            skip=_is_newer(records, model) and records,
        )
        self._step(
            4,
            "Export",
            shown(Export(str(run_dir), str(self.output_dir))),
            skip=_bundle_of(bundles, run_dir, records),
        )
        images = _example_files(run_dir / "examples", self.data_dir, dataset)
        self._step(
            5,
            "Predict a few portraits with the bundle, without TensorFlow",
            shown(
                Predict(str(bundles), tuple(map(str, images)), portraits=True)
            ),
        )
        wallpaper = Wallpaper(
            str(self.data_dir), dataset, output=str(run_dir / "wallpaper.png")
        )
        self._step(
            6,
            "Make a wallpaper of training portraits",
            shown(wallpaper),
            skip=_is_newer(run_dir / "wallpaper.png", model)
            and wallpaper.output,
        )
        people = RunFolder(run_dir).schema.shows_people
        secret = " (of people: it must stay on this machine)" if people else ""
        generator = command_line(
            "training.train_vae",
            "real" if self.manual_dir else "smoke",
            **{**data, "dataset": dataset},
        )
        print(
            f"\nDone in {time.monotonic() - start:.0f} s.\n\n"
            f"{_figures(records)}\n\n"
            f"  Data set    {self.data_dir / ' + '.join(datasets)}\n"
            f"  Run         {run_dir} (begin with README.md)\n"
            f"  Figures     {records.parent / 'table.md'} and plots beside it\n"
            f"  Bundle      {bundles}\n"
            f"  A server    {serve_command(self.output_dir)}\n"
            f"  Wallpaper   {wallpaper.output}{secret}\n\n"
            "What next:\n"
            "  your own photo   "
            f"{shown(Predict(str(bundles), ('PHOTO.jpg',)))}\n"
            "  a page for it    "
            f"{shown(Serve(str(self.output_dir), run_dir=str(run_dir)))}\n"
            f"  by groups        {shown(FairnessReport(str(run_dir)))}\n"
            f"  new portraits    {generator}\n"
            "  other settings   "
            f"{command_line(*train, **data, run_dir='NEW')} --help"
        )
        if not self.manual_dir:
            print("  the real thing   the same with --manual_dir FILES")

    def _step(self, number, title, command, skip=None):
        """Runs a command in a new process, unless its result is there."""
        # At once, also into a pipe: what the step prints comes below it.
        print(f"\n[{number}/6] {title}\n$ {command}\n", flush=True)
        if skip:
            print(f"Up to date: {skip}")
            return
        status = subprocess.run(process_words(command)).returncode
        if status == EXIT_UNREAD:
            sys.exit(status)
        if status:
            print(f"\nStep {number} ended with an error.", file=sys.stderr)
            sys.exit(status if status > 0 else EXIT_USER_ERROR)


def _is_newer(path, source):
    return path.exists() and path.stat().st_mtime >= source.stat().st_mtime


def _bundle_of(bundles, run_dir, records):
    """Returns the newest bundle if it is this run's, as it is evaluated."""
    versions = [p for p in bundles.glob("*") if p.name.isdecimal()]
    if not versions or not records.exists():
        return None
    newest = max(versions, key=lambda path: int(path.name))
    if not _is_newer(newest / METADATA_FILE, records):
        return None
    try:
        metadata = read_metadata(newest)
        check_files(newest, metadata, "")
    except UserError:
        return None  # It is damaged.
    # Runs of other folders may have the same name.
    same = metadata.get("model_sha256") == sha256(run_dir / "model.keras")
    return newest if same else None


def _example_files(folder, data_dir, dataset):
    """Writes the first portraits of the test split as PNG files."""
    known = sorted(folder.glob("*.png"))
    if len(known) == EXAMPLES:
        return known
    start_tensorflow()
    from PIL import Image

    from tp_keras.data.source import load_portraits

    examples = load_portraits(
        data_dir, dataset, f"test[:{EXAMPLES}]", "memory", progress=False
    )
    folder.mkdir(exist_ok=True)
    for index, pixels in zip(examples.indices, examples.images, strict=True):
        Image.fromarray(pixels).save(folder / f"test_{index:06d}.png")
    return sorted(folder.glob("*.png"))


def _figures(records):
    """Returns a line for each task of what the test split showed."""
    lines = []
    for record in find(read_records(records), group=ALL, class_name=None):
        if record.metric in _FIGURES:
            lines.append(
                f"  {record.task:<11} {_FIGURES[record.metric]} "
                f"{record.value:.3f} [{record.low:.3f}, {record.high:.3f}] "
                f"on {record.count:,} test portraits"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    run(RunAll)
