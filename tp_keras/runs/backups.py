"""States of a training to resume from, each whole or not there."""

import json
import pathlib
import shutil
from collections.abc import Callable

import keras
import numpy as np

from tp_keras import files
from tp_keras.errors import UserError

# Not HDF5: its library doesn't bear a full disk.
_STATE = "state.npz"
_RECORD = "backup.json"
_KEPT = 2


class Backups:
    """The states after the last two whole epochs of a training.

    Each is a folder `epoch-00007` that appears by one rename: all variables of
    model and optimizers, the averages among them, copies of the files that
    belong to the state, and a record of the epoch with a checksum of each. What
    is damaged is named, and the one before is taken, with the files of that
    epoch.

    Args:
        folder: Where the backups lie.
        beside: Paths of files that the training writes and that belong to its
            state, such as its history.

    Example:
        >>> backups = Backups("runs/first/backup", ["runs/first/history.csv"])
        >>> backups.save(model, epochs=1)
        >>> backups.newest()
        1
    """

    def __init__(self, folder, beside=()):
        self.folder = pathlib.Path(folder)
        self.beside = [pathlib.Path(path) for path in beside]

    def save(self, model, epochs: int) -> None:
        """Keeps the state of a built model after so many epochs."""
        with files.new_folder(self._place(epochs)) as aside:
            np.savez(aside / _STATE, *_values(model))
            for path in self.beside:
                if path.exists():
                    shutil.copyfile(path, aside / path.name)
            sums = {path.name: files.sha256(path) for path in aside.iterdir()}
            record = {"epochs": epochs, "sha256": sums}
            (aside / _RECORD).write_text(json.dumps(record, indent=2) + "\n")
        for old in self._known()[:-_KEPT]:
            shutil.rmtree(self._place(old))

    def newest(self, say: Callable[[str], None] = print) -> int:
        """Returns after how many epochs the newest whole state is; 0: none.

        Args:
            say: Is told which ones are damaged.

        Raises:
            UserError: If there are some, but all are damaged.
        """
        known = self._known()
        for epochs in reversed(known):
            fault = self._fault(epochs)
            if fault is None:
                return epochs
            say(f"The backup {self._place(epochs)} is damaged: {fault}.")
        if known:
            raise UserError(
                "No backup of this training is whole. Remove the folder to "
                f"begin anew. Received: {self.folder}"
            )
        return 0

    def restore_files(self, epochs: int) -> None:
        """Puts the files of a state in their places; 0 removes them."""
        for path in self.beside:
            kept = self._place(epochs) / path.name
            if epochs and kept.exists():
                with files.replaced(path) as aside:
                    shutil.copyfile(kept, aside)
            else:
                path.unlink(missing_ok=True)

    def restore_weights(self, model, epochs: int) -> None:
        """Gives a built model the weights of a state, and its optimizer.

        Raises:
            UserError: If the state is that of another model.
        """
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        path, values = self._place(epochs) / _STATE, _values(model)
        with np.load(path) as file:
            kept = [file[name] for name in file]
        if [v.shape for v in kept] != [v.shape for v in values]:
            raise UserError(
                "The backup is that of another model, as another version of "
                "the packages may make it. Remove the folder to begin anew. "
                f"Received: {path}"
            )
        for variable, value, old in zip(
            _variables(model), kept, values, strict=True
        ):
            # NumPy keeps the bits of bfloat16, but forgets its name.
            is_unnamed = value.dtype.kind == "V"
            variable.assign(value.view(old.dtype) if is_unnamed else value)

    def exist(self) -> bool:
        """Returns whether there are any, whole or damaged."""
        return bool(self._known())

    def remove(self) -> None:
        """Removes all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, epochs) -> pathlib.Path:
        return self.folder / f"epoch-{epochs:05d}"

    def _known(self) -> list[int]:
        """Returns the numbers of epochs of all, ascending."""
        names = (path.name for path in self.folder.glob("epoch-*"))
        return sorted(int(name.removeprefix("epoch-")) for name in names)

    def _fault(self, epochs) -> str | None:
        """Returns what is wrong with a backup, None if it is whole."""
        folder = self._place(epochs)
        try:
            record = json.loads((folder / _RECORD).read_bytes())
            sums, told = record["sha256"], record["epochs"]
            found = {name: files.sha256(folder / name) for name in sums}
        # Whatever JSON it may be by now.
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"{type(error).__name__}: {error}"
        if told != epochs:
            return f"{_RECORD} tells of epoch {told}"
        wrong = [name for name in sums if found[name] != sums[name]]
        return f"{', '.join(wrong)} changed" if wrong else None


def _variables(model) -> list:
    """Returns those of a model and of its optimizers: some have another."""
    optimizers = [
        value
        for value in vars(model).values()
        if isinstance(value, keras.optimizers.Optimizer)
    ]
    found = [*model.variables, *(v for o in optimizers for v in o.variables)]
    return list({id(variable): variable for variable in found}.values())


def _values(model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(value) for value in _variables(model)]


class KeepBackups(keras.callbacks.Callback):
    """Restores the state that a training resumes from, and keeps new ones.

    The last callback: when it has written, everything before it has.

    Args:
        backups: `Backups`.
        epochs: Those of the state to restore; 0 begins anew.
    """

    def __init__(self, backups, epochs):
        super().__init__()
        self.backups = backups
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        """Restores weights and optimizer."""
        if self.epochs:
            self.backups.restore_weights(self.model, self.epochs)

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the state."""
        self.backups.save(self.model, epoch + 1)
