"""Runs what documents say, on a few portraits and for moments."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import threading
import time
import types
import urllib.request

import numpy as np
import pandas as pd
from PIL import Image

from tests.printed_commands import parse
from tests.processes import WARM

_ROOT = pathlib.Path(__file__).parents[1]

# How many portraits are drawn where nobody says so.
_COUNT = 600
# The most of each setting that makes a command long.
_MOST = {
    **dict.fromkeys(
        (
            *("epochs", "half_epochs", "full_epochs", "encoder_epochs"),
            "trials",
        ),
        1,
    ),
    **dict.fromkeys(("branch_steps", "network_epochs", "passes_per_epoch"), 1),
    **dict.fromkeys(("budget_seconds", "adversary_steps"), 1),
    **{"count": 60, "finder_count": 2, "samples_per_cell": 40, "folds": 2},
}


def run(part, folder) -> str | None:
    """Runs a function of this module with a code; returns what went wrong.

    Args:
        part: The function and the code.
        folder: Where it is run.
    """
    function, code = part
    log = pathlib.Path(folder, "said.log")
    log.write_text("")
    process = _start(function, code, folder, log)
    if process.exitcode:
        return f"{code}: {process.exitcode}: {log.read_text()[-2000:]}"
    return None


def _start(*part):
    function, *arguments = part
    process = WARM.Process(target=function, args=arguments)
    process.start()
    process.join()
    return process


def run_command(line: str, folder, log) -> None:
    """Executes a command in a folder, its output in a file; for a process."""
    _begin(folder, log)
    from training import run_all
    from training.command import check_places
    from training.command import errors_told

    with errors_told():
        # The commands that one command runs are as small.
        run_all.process_words = lambda line: (run_command, line)
        run_all.subprocess = types.SimpleNamespace(
            run=lambda part: types.SimpleNamespace(
                returncode=_start(*part, folder, log).exitcode
            )
        )
        _make_small()
        command = smaller(parse(line))
        check_places(command)
        if hasattr(command, "port"):
            _leave_when_answered(command)
        command.execute()


def run_snippet(text: str, folder, log) -> None:
    """Executes a snippet of Python likewise."""
    _begin(folder, log)
    # Dots are a folder of the reader's.
    text = text.replace('"..."', f'"{folder}/tiny_portraits"')
    exec(text.replace("epochs=5", "epochs=1"), {})


def _begin(folder, log):
    # Of the processes that this one starts, elsewhere, too.
    os.environ["PYTHONPATH"] = str(_ROOT)
    os.chdir(folder)
    os.environ["HOME"] = str(folder)
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _make_small():
    """Has data sets drawn, and experiments trained, as small as they may be."""
    from datasets.building.prepare import find_builder_class
    from training import configs
    from training import pretrain_configs
    from training import vae_configs

    names = "hidden_criterion", "selfies", "tiny_portraits", "utk_face"
    for name in names:
        builder = find_builder_class(name)
        builder.VARIANTS.counts["synthetic"] = _COUNT
        builder.BUILDER_CONFIGS[:] = builder.VARIANTS.list()
        builder.builder_configs.update(
            {config.name: config for config in builder.BUILDER_CONFIGS}
        )
    for experiments in (
        configs.EXPERIMENTS,
        vae_configs.VAE_EXPERIMENTS,
        pretrain_configs.PRETRAIN_EXPERIMENTS,
    ):
        for name, (text, settings) in experiments.items():
            experiments[name] = text, smaller(settings)


def smaller(settings):
    """Returns settings of the same kind that take no time."""
    changes = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            changes[field.name] = smaller(value)
        elif field.name in _MOST and value is not None:
            changes[field.name] = min(value, _MOST[field.name])
    return dataclasses.replace(settings, **changes)


def _leave_when_answered(command):
    """Ends a server, as its user does, once it has answered."""

    def ask():
        while True:
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                address = f"http://{command.host}:{command.port}/"
                with urllib.request.urlopen(address, timeout=5) as answer:
                    assert answer.status == 200
                os.kill(os.getpid(), signal.SIGINT)
                return

    threading.Thread(target=ask, daemon=True).start()


def write_readers_files(folder) -> None:
    """Writes what readers bring with them, by the names of the documents."""
    from datasets.building.prepare import find_builder_class

    portraits = find_builder_class("tiny_portraits")
    portraits.draw_pack(folder / "tiny_portraits", 200)
    for name in ("hidden_criterion", "selfies", "utk_face"):
        find_builder_class(name).draw_pack(folder / name, 200)
    shutil.make_archive(folder / "UTKFace", "zip", folder / "utk_face")
    names = [f"{name}.jpg" for name in ("me", "photo", "party", "album/one")]
    names += ["more/two.jpg", "one.png", "portrait.png", "photo.webp"]
    pictures = portraits.draw_samples(len(names))
    for name, picture in zip(names, pictures, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        image = Image.fromarray(picture)
        if name != "portrait.png":
            image = image.resize((4 * image.width, 4 * image.height))
        image.save(folder / name)
    chance = np.random.default_rng(0)
    flags = chance.integers(0, 2, (200, 3))
    table = pd.DataFrame(flags, columns=["smiling", "glasses", "outdoors"])
    table["popularity"] = flags.sum(axis=1) + chance.normal(size=200)
    table.to_csv(folder / "faces.csv", index_label="name")
