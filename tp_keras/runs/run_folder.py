"""A run is a folder that explains itself."""

import csv
import dataclasses
import importlib.metadata
import pathlib
import platform
import shlex

import tp_keras
from tp_keras import files
from tp_keras.command_line import command_line
from tp_keras.config import FREE_FIELDS
from tp_keras.config import ExperimentConfig
from tp_keras.config import config_differences
from tp_keras.config import config_from_dict
from tp_keras.errors import UserError
from tp_keras.runs.backups import Backups
from tp_keras.runs.readme import README
from tp_keras.tasks import Schema

# What depends on the splits that a data set has.
_SPLIT_FIELDS = ("train_split", "validation_split")

_PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "numpy")

# Of what in `run.json` is read by others than who wrote it.
_KINDS = {
    **dict.fromkeys(("status", "processor", "dataset", "precision"), str),
    **dict.fromkeys(("versions", "fingerprints", "schema", "from_run"), dict),
    **dict.fromkeys(("checksums", "settings", "prior"), dict),
    **dict.fromkeys(("epochs", "examples_seen", "best_epoch"), int),
    "parameters": int,
    **dict.fromkeys(("seconds", "debias_seconds", "best_score"), int | float),
}


class RunFolder:
    """Reads and writes the folder of one training run.

    Attributes:
        config_class: Class of the settings.
        command: The command that makes such a folder.
        readme: Text of its README, to be filled with `status`, `quoted_path`
            and what `commands` returns.

    Example:
        >>> run = RunFolder("runs/demo").require()
        >>> classifier = run.load_model()
    """

    config_class = ExperimentConfig
    command = command_line("training.train", "demo")
    readme = README

    def __init__(self, path):
        self.path = pathlib.Path(path)

    @property
    def model_path(self) -> pathlib.Path:
        """The saved classifier of the best epoch."""
        return self.path / "model.keras"

    @property
    def trained_path(self) -> pathlib.Path:
        """The classifier before what is done after the training, if any."""
        return self.path / "trained.keras"

    @property
    def history_path(self) -> pathlib.Path:
        """The CSV file with a row for each epoch."""
        return self.path / "history.csv"

    @property
    def beside(self) -> tuple[pathlib.Path, ...]:
        """Files that belong to the state of a training."""
        return self.history_path, self.model_path, self.trained_path

    @property
    def backups(self) -> Backups:
        """The states to resume from."""
        return Backups(self.path / "backup", self.beside)

    @property
    def config(self):
        """The settings of the run, a `config_class`."""
        values, noted = self._read("config.json"), self.facts.get("settings")
        try:
            config = config_from_dict(self.config_class, values)
            if noted is None:
                return config
            differences = config_differences(
                config_from_dict(self.config_class, noted), config, FREE_FIELDS
            )
        except UserError as error:
            raise UserError(
                f"{self.path} holds no such run as `{self.command}` makes: "
                f"{error}"
            ) from error
        if differences:
            raise UserError(
                f"The run was trained with other settings than {self.path}/"
                f"config.json says; {self._remedy}. Received (of the training "
                f"against there): {'; '.join(differences)}"
            )
        return config

    @property
    def facts(self) -> dict:
        """What `run.json` says: versions, data, progress, status."""
        path = self.path / "run.json"
        return self._read("run.json", **_KINDS) if path.exists() else {}

    @property
    def schema(self) -> Schema:
        """The `Schema` of the portraits that it was trained on."""
        return Schema.from_dict(self.facts.get("schema", {}))

    @property
    def is_finished(self) -> bool:
        """Whether the training came to its end."""
        return self.facts.get("status") == "finished"

    @property
    def is_trained(self) -> bool:
        """Whether all layers are trained, and only what follows is left."""
        return self.facts.get("status") == "trained"

    def require(self) -> "RunFolder":
        """Returns itself, or raises if there is no trained model in it."""
        if not (self.path / "config.json").exists():
            raise UserError(
                "There is no run. Expected the folder of a training, as "
                f"`{self.command} --run_dir FOLDER` makes it. "
                f"Received: run_dir={self.path}"
            )
        if not self.model_path.exists():
            if self.is_finished:
                raise UserError(
                    f"The model of a finished run is gone, {self.model_path}; "
                    f"{self._remedy}. Received: run_dir={self.path}"
                )
            raise UserError(
                "The run has no model yet: its training has not come so far. "
                "The command that started it resumes it. "
                f"Received: run_dir={self.path}"
            )
        if not (self.path / "run.json").exists():
            raise UserError(
                f"What is known of the model is gone, {self.path}/run.json; "
                f"{self._remedy}. Received: run_dir={self.path}"
            )
        return self

    def settle(self, config, resolve):
        """Returns the settings with the splits that there are, or raises.

        The folder stays as it is; `claim` it when data and model are there.
        `resolve` makes a `DataConfig` one with splits that exist, and is not
        called for a run that is finished.
        """
        self._check(config, _SPLIT_FIELDS)
        if self.is_finished and not self._differences(config):
            self.require()
            return config
        config = dataclasses.replace(config, data=resolve(config.data))
        self._check(config)
        return config

    def _differences(self, config, ignore=()):
        return config_differences(self.config, config, (*FREE_FIELDS, *ignore))

    def _check(self, config, ignore=()):
        has_model = self.model_path.exists() or self.trained_path.exists()
        if (self.path / "config.json").exists():
            if has_model and not self.facts:
                raise UserError(
                    "The run has a model but no run.json, which tells what "
                    "became of it, and is not trained over. Give another "
                    "--run_dir, or remove the folder to begin anew. "
                    f"Received: run_dir={self.path}"
                )
            differences = self._differences(config, ignore)
            # Without one whole epoch there is nothing to lose.
            if differences and (has_model or self.backups.exist()):
                raise UserError(
                    f"The run folder {self.path} belongs to another "
                    "configuration. Give another --run_dir, or remove the "
                    "folder to begin anew. Received (there against here): "
                    + "; ".join(differences)
                )
        elif self.path.exists() and files.visible(self.path):
            raise UserError(
                "Expected a new or empty folder, or that of a run. Give "
                f"another --run_dir. Received: run_dir={self.path}"
            )

    def claim(self, config) -> None:
        """Makes the folder that of `config`, or raises if it isn't free."""
        self._check(config)
        self.path.mkdir(parents=True, exist_ok=True)
        files.remove_leftovers(self.path)
        if (self.path / "config.json").exists() and self._differences(config):
            # Those of a start that came to nothing.
            for name in ("run.json", "history.csv"):
                (self.path / name).unlink(missing_ok=True)
        files.write_json(self.path / "config.json", dataclasses.asdict(config))

    def record(self, **facts) -> None:
        """Adds facts to `run.json` and tells the README how far the run is."""
        # Imported here, as below: settings are read without TensorFlow.
        from tp_keras.runs.precision import describe_processor

        versions = {
            name: importlib.metadata.version(name) for name in _PACKAGES
        }
        versions["tp_keras"] = tp_keras.__version__
        versions["python"] = platform.python_version()
        facts = {
            **self.facts,
            "versions": versions,
            "processor": describe_processor(),
            **facts,
            **self._final_facts(facts.get("status")),
        }
        files.write_json(self.path / "run.json", facts, checksum=True)
        status = (
            f"Status: {facts.get('status', 'new')}, "
            f"{facts.get('epochs', 0)} epochs, "
            f"{facts.get('examples_seen', 0):,} examples seen.\n"
            f"Processor: {facts['processor']}. Another one gives other weights "
            "with the same seed, and somewhat other figures."
        )
        readme = self.readme.format(
            status=status,
            quoted_path=shlex.quote(str(self.path)),
            **self.commands(),
        )
        files.write_text(self.path / "README.md", readme)

    def _final_facts(self, status) -> dict:
        """Returns what shows damage of what no longer changes."""
        if status not in ("trained", "finished"):
            return {}
        # What follows the training may still replace the model.
        paths = [self.trained_path]
        paths += [self.model_path] if status == "finished" else []
        settings = self._read("config.json")
        return {
            "checksums": {
                path.name: files.sha256(path) for path in paths if path.exists()
            },
            "settings": settings,
        }

    def commands(self) -> dict[str, str]:
        """Returns the commands of the README by what they do."""
        return {
            name: command_line(f"training.{name}", run_dir=self.path)
            for name in ("evaluate", "export")
        }

    def check_fingerprints(self, fingerprints: dict[str, str]) -> None:
        """Raises if the run has been trained on other data of these splits."""
        noted = self.facts.get("fingerprints", {})
        known = {k: noted.get(k, v) for k, v in fingerprints.items()}
        if known != fingerprints:
            raise UserError(
                f"The run in {self.path} was trained on other portraits than "
                "those prepared now. Prepare those again, or train into "
                f"another --run_dir. Received: fingerprints={fingerprints}, "
                f"expected {known}"
            )

    def check_data(self, load) -> None:
        """Raises if `load("validation")` gives other portraits than it had."""
        try:
            validation = load("validation")
        except UserError:
            return  # A finished run can be used without its data.
        self.check_fingerprints({"validation": validation.fingerprint})

    def read_history(self) -> list[dict[str, float]]:
        """Returns the rows of the history, one for each finished epoch."""
        if not self.history_path.exists():
            return []
        try:
            with self.history_path.open(newline="", encoding="utf-8") as file:
                return [
                    {key: float(value) for key, value in row.items() if value}
                    for row in csv.DictReader(file)
                ]
        except (ValueError, TypeError, csv.Error) as error:
            raise UserError(
                "The history is damaged. Expected a row of numbers for each "
                f"epoch. Received: {self.history_path}: {error!r}"
            ) from error

    def load_model(self, path=None):
        """Returns the model of a file, or the trained one, in float32.

        Raises:
            UserError: If it isn't there, or is damaged.
        """
        import keras

        import tp_keras.models  # noqa: F401 (registers the classes)
        from tp_keras.runs.precision import in_float32

        path = pathlib.Path(path or self.require().model_path)
        noted = self.facts.get("checksums", {}).get(path.name)
        try:
            if noted not in (None, files.sha256(path)):
                raise ValueError("other bytes than were saved")
            model = keras.saving.load_model(path, compile=False)
        except (PermissionError, UserError):
            raise
        # Whatever a damaged file leads to.
        except Exception as error:
            raise UserError(
                f"The model {path} can't be loaded: it is damaged, or of other "
                f"versions of the packages; {self._remedy}. Received: "
                f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            ) from error
        return in_float32(model)

    def save_model(self, model) -> None:
        """Puts a model in its place, whole or not at all."""
        with files.replaced(self.model_path) as aside:
            model.save(aside, include_optimizer=False)

    @property
    def _remedy(self):
        return (
            "copy it there again from elsewhere, or train anew, after removing "
            f"the folder or into another (`{self.command} --run_dir NEW`)"
        )

    def _read(self, name, **kinds):
        try:
            return files.read_json(self.path / name, self._remedy, **kinds)
        except FileNotFoundError as error:
            raise UserError(
                "There is no run. Expected the folder of a training. "
                f"Received: run_dir={self.path}"
            ) from error
