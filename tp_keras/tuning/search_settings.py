"""Everything that a search depends on, and its folder."""

import dataclasses
import pathlib

from tp_keras.command_line import command_line
from tp_keras.config import ExperimentConfig
from tp_keras.config import config_differences
from tp_keras.config import config_from_dict
from tp_keras.errors import UserError
from tp_keras.files import read_json
from tp_keras.files import write_json
from tp_keras.tuning.search_space import SearchSpace

TUNERS = ("hyperband", "bayesian")

# What helps where a file of a search is damaged.
REMEDY = "remove the folder of the search to begin anew"

# A search may be made longer, and its data may lie elsewhere.
_FREE_FIELDS = ("trials", "run_dir", "data_dir", "storage")


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """What is searched, how, and for how long.

    The experiment `base` has all settings that are not searched, a trial gets
    `budget_seconds` of training, and `seed` is that of the choices.
    """

    base: ExperimentConfig
    space: SearchSpace
    tuner: str = "bayesian"
    budget_seconds: float = 60.0
    trials: int = 20
    seed: int = 0

    def __post_init__(self):
        """Refuses an unknown tuner and a search of nothing."""
        if self.tuner not in TUNERS:
            raise UserError(
                f"Expected a tuner out of {', '.join(TUNERS)}. "
                f"Received: tuner={self.tuner}"
            )
        if self.trials < 1 or self.budget_seconds <= 0:
            raise UserError(
                "Expected at least one trial of more than 0 seconds. Received: "
                f"trials={self.trials}, budget_seconds={self.budget_seconds}"
            )


class SearchFolder:
    """Reads and writes the folder of a search.

    | file | what it holds |
    |---|---|
    | `settings.json` | every setting of the search |
    | `data.json` | fingerprints of the portraits |
    | `trials/<id>/result.json` | what a trial gave |
    | `trials/<id>/run/` | its run, for `training.evaluate` |
    | `oracle/` | the state of keras-tuner |
    | `trials.csv`, `table.md`, `front.png` | the report |
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    @property
    def settings(self) -> SearchSettings:
        """The settings of the search that lies here."""
        try:
            values = read_json(self.path / "settings.json", REMEDY)
            return config_from_dict(SearchSettings, values)
        except FileNotFoundError as error:
            raise UserError(
                "There is no search. Expected the folder of one, as "
                f"`{command_line('training.tune')}` makes it. "
                f"Received: {self.path}"
            ) from error

    def claim(self, settings: SearchSettings) -> None:
        """Makes the folder that of `settings`, or raises if it is another's."""
        if (self.path / "settings.json").exists():
            self.check_settings(settings)
        elif self.path.exists() and any(self.path.iterdir()):
            raise UserError(
                "Expected a new or empty folder, or that of a search. Give "
                f"another --name. Received: {self.path}"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        path, values = self.path / "settings.json", dataclasses.asdict(settings)
        write_json(path, values, checksum=True)

    def check_settings(self, settings: SearchSettings) -> None:
        """Raises if the search that lies here is another one."""
        differences = config_differences(self.settings, settings, _FREE_FIELDS)
        if differences:
            raise UserError(
                f"The folder {self.path} belongs to a search with other "
                "settings. Give another --name, or remove the folder to "
                "begin anew. Received (there against here): "
                + "; ".join(differences)
            )

    def check_data(self, fingerprints: dict[str, str]) -> None:
        """Notes which portraits are trained on, or raises if others were."""
        path = self.path / "data.json"
        if not path.exists():
            write_json(path, fingerprints, checksum=True)
        elif (known := read_json(path, REMEDY)) != fingerprints:
            raise UserError(
                f"The trials in {self.path} were trained on other portraits "
                "than those prepared now. Prepare those again, or give another "
                f"--name. Received: fingerprints={fingerprints}, expected "
                f"{known}"
            )

    def trial_path(self, trial_id: str) -> pathlib.Path:
        """Returns the folder of a trial."""
        return self.path / "trials" / trial_id

    @property
    def is_finished(self) -> bool:
        """Whether the search that lies here came to its end."""
        path = self.path / "finished.json"
        if not path.exists():
            return False
        trials = read_json(path, REMEDY, trials=int).get("trials", 0)
        return trials >= self.settings.trials

    def finish(self) -> None:
        """Notes that there is nothing more to try."""
        trials = {"trials": self.settings.trials}
        write_json(self.path / "finished.json", trials)
