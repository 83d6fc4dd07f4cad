"""The folder of a sweep: whose it is, its runs and what was measured."""

import json
import pathlib

from tp_keras import files
from tp_keras.config import config_differences
from tp_keras.config import config_from_dict
from tp_keras.config import config_to_dict
from tp_keras.errors import UserError
from tp_keras.fairness.sweep.settings import SweepSettings
from tp_keras.fairness.sweep.variant import Variant
from tp_keras.runs.run_folder import RunFolder

VALIDATION = "validation"
TEST = "test"
SPLITS = (VALIDATION, TEST)


class SweepFolder:
    """Reads and writes the folder of a sweep.

    | file | what it holds |
    |---|---|
    | `sweep.json` | settings, and which runs are compared with |
    | `<variant>-seed<S>/` | the run of a variant, for `training.evaluate` |
    | `<variant>-seed<S>/sweep/<split>.jsonl` | what was measured of it |
    | `features-seed<S>.json` | the seconds that the trunk's features took |
    | `table.md`, `front.png` | the report |
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def run(self, variant: Variant, seed: int) -> RunFolder:
        """Returns the run of a variant."""
        return RunFolder(self.path / f"{variant.folder_name}-seed{seed}")

    def records_path(
        self, variant: Variant, seed: int, split: str
    ) -> pathlib.Path:
        """Returns the file of what was measured of a variant."""
        return self.run(variant, seed).path / "sweep" / f"{split}.jsonl"

    def is_measured(self, variant: Variant, seed: int) -> bool:
        """Says whether nothing is left to do for a variant."""
        paths = (self.records_path(variant, seed, split) for split in SPLITS)
        return all(path.exists() for path in paths)

    def claim(
        self, settings: SweepSettings, bases: dict[int, RunFolder]
    ) -> None:
        """Makes the folder that of a sweep of these runs; seeds may be added.

        Raises:
            UserError: If it is of a sweep with other settings or runs.
        """
        path = self.path / "sweep.json"
        own = {str(seed): _identity(base) for seed, base in bases.items()}
        known = {}
        if path.exists():
            content = self._read(path)
            known = content["bases"]
            differences = _differences(content["settings"], settings)
            differences += [
                f"run of seed {seed}: {known[seed]} against {base}"
                for seed, base in own.items()
                if known.get(seed, base) != base
            ]
            datasets = {base["dataset"] for base in (known | own).values()}
            if len(datasets) > 1:
                differences.append(f"data sets: {' and '.join(datasets)}")
            if differences:
                raise UserError(
                    f"The folder {self.path} belongs to a sweep with other "
                    "settings. Give another --sweep_dir, or remove the folder "
                    "to begin anew. Received (there against here): "
                    + "; ".join(differences)
                )
        content = {"settings": config_to_dict(settings), "bases": known | own}
        files.write_json(path, content)

    def note_feature_seconds(self, seed: int, seconds: float) -> None:
        """Notes how long the features of a trunk took."""
        content = {"seconds": round(seconds, 1)}
        files.write_json(self._features_path(seed), content)

    def feature_seconds(self, seed: int) -> float | None:
        """Returns how long the features of a trunk took, None if unknown."""
        path = self._features_path(seed)
        return self._read(path)["seconds"] if path.exists() else None

    def _features_path(self, seed):
        return self.path / f"features-seed{seed}.json"

    def _read(self, path):
        try:
            return json.loads(path.read_text())
        except json.JSONDecodeError as error:
            raise UserError(
                f"Expected JSON in {path}; remove the folder of the sweep to "
                f"begin anew. Received: {error}"
            ) from error


def _differences(known, settings):
    """Returns what differs from the settings that a file holds, in words."""
    try:
        known = config_from_dict(SweepSettings, known)
    except UserError as error:
        # Written when there were other settings to make.
        return [str(error)]
    return config_differences(known, settings)


def _identity(base):
    keys = "dataset", "fingerprints", "seconds"
    facts = {key: base.facts.get(key) for key in keys}
    return {"run": base.path.resolve().name, **facts}
