"""The folder of a sweep."""

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

    Args:
        path: The folder.
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
        return all(
            self.records_path(variant, seed, split).exists() for split in SPLITS
        )

    def claim(
        self, settings: SweepSettings, bases: dict[int, RunFolder]
    ) -> None:
        """Makes the folder that of a sweep of these runs.

        Seeds may be added to those that are there.

        Args:
            settings: How it compares and measures.
            bases: Seed -> finished run.

        Raises:
            UserError: If it is of a sweep with other settings or runs.
        """
        path = self.path / "sweep.json"
        known = {}
        if path.exists():
            content = self._read(path)
            known = content["bases"]
            differences = _differences(content["settings"], settings)
            differences += [
                f"run of seed {seed}: {known[str(seed)]} against "
                f"{_identity(base)}"
                for seed, base in bases.items()
                if known.get(str(seed), _identity(base)) != _identity(base)
            ]
            datasets = {entry["dataset"] for entry in known.values()}
            datasets |= {_identity(base)["dataset"] for base in bases.values()}
            if len(datasets) > 1:
                differences.append(f"data sets: {' and '.join(datasets)}")
            if differences:
                raise UserError(
                    f"The folder {self.path} belongs to a sweep with other "
                    "settings. Give another --sweep_dir, or remove the folder "
                    "to begin anew. Received (there against here): "
                    + "; ".join(differences)
                )
        own = {str(seed): _identity(base) for seed, base in bases.items()}
        content = {
            "settings": config_to_dict(settings),
            "bases": known | own,
        }
        self.path.mkdir(parents=True, exist_ok=True)
        files.write_text(path, json.dumps(content, indent=2) + "\n")

    def note_feature_seconds(self, seed: int, seconds: float) -> None:
        """Notes how long the features of a trunk took."""
        files.write_text(
            self._features_path(seed),
            json.dumps({"seconds": round(seconds, 1)}) + "\n",
        )

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
        return config_differences(
            config_from_dict(SweepSettings, known), settings
        )
    except UserError as error:
        # Written when there were other settings to make.
        return [str(error)]


def _identity(base: RunFolder) -> dict:
    facts = base.facts
    return {
        "run": base.path.resolve().name,
        "dataset": facts.get("dataset"),
        "fingerprints": facts.get("fingerprints"),
        "seconds": facts.get("seconds"),
    }
