"""Files of every kind that are damaged: named, or of no consequence."""

import random
import shutil
import time

import keras
import pytest

from tests.export.networks import random_portraits
from tests.faults.jobs import DATASET
from tests.faults.kit import Job
from tests.faults.kit import some
from tests.faults.kit import try_each

pytestmark = pytest.mark.large


def flip(data, chance):
    place = chance.randrange(max(len(data), 1))
    changed = bytes(
        byte ^ (1 << chance.randrange(8)) for byte in data[place:][:1]
    )
    return data[:place] + changed + data[place + 1 :]


def blank(data, chance):
    """As a loss of power leaves what wasn't synced."""
    place = chance.randrange(max(len(data), 1))
    return data[:place] + bytes(len(data) - place)


DAMAGES = {
    "bit flipped": flip,
    "cut": lambda data, chance: data[: chance.randrange(max(len(data), 1))],
    "end blank": blank,
    "emptied": lambda data, chance: b"",
    "doubled": lambda data, chance: data + data,
    "removed": lambda data, chance: None,
}
# Anything but a trace, if it is a sentence.
REFUSED = ("error: ",)


def try_damages(kind, whole, job, expected, count, tmp_path):
    """Damages one file after the other, each time in a copy of a folder."""
    chance = random.Random(0)
    files = [path for path in sorted(whole.rglob("*")) if path.is_file()]
    tries = {}
    for number in range(some(count)):
        file = files[number % len(files)].relative_to(whole)
        # Each file meets each kind sooner or later.
        name = [*DAMAGES][(number + number // len(files)) % len(DAMAGES)]
        seed = chance.random()
        tries[f"{file} {name}, {number}"] = (number, file, name, seed)

    def damage_and_run(given):
        number, file, name, seed = given
        out = tmp_path / f"{kind}{number}"
        shutil.copytree(whole, out, symlinks=True)
        target = out / file
        data = DAMAGES[name](target.read_bytes(), random.Random(seed))
        target.unlink() if data is None else target.write_bytes(data)
        fault = job.resumed_fault(out, expected, REFUSED)
        shutil.rmtree(out)
        return fault

    try_each(f"damaged file, {kind}", tries, damage_and_run)


def test_a_training_goes_on_from_the_backup_before(jobs, tmp_path):
    job, stopped = jobs["training"], tmp_path / "stopped"
    expected = job.whole(tmp_path / "whole")
    running = job.start(stopped)
    while not (stopped / "backup" / "epoch-00002").exists():
        time.sleep(0.001)
    running.kill()
    running.wait()
    assert len([*stopped.glob("backup/epoch-*")]) == 2
    try_damages("stopped training", stopped, job, expected, 90, tmp_path)


def test_a_finished_run_is_judged_as_it_was(jobs, tmp_path):
    whole = tmp_path / "whole"
    jobs["training"].whole(whole)
    job = Job(
        ("training.evaluate", "--run_dir", "{out}"),
        ("evaluation/test/records.jsonl",),
    )
    expected = job.whole(whole)
    try_damages("finished run", whole, job, expected, 50, tmp_path)


def test_a_data_set_is_learned_as_it_was(jobs, tiny_data_dir, tmp_path):
    whole = tmp_path / "whole"
    place = f"{DATASET}/1.1.0"
    shutil.copytree(tiny_data_dir / place, whole / place)
    words = [
        "{out}" if w == str(tiny_data_dir) else w
        for w in jobs["training"].words
    ]
    words[words.index("--run_dir") + 1] = "{out}/run"
    job = Job(tuple(words), ("run/model.keras",))
    first = tmp_path / "first"
    shutil.copytree(whole, first)
    expected = job.whole(first)
    try_damages("data set", whole, job, expected, 50, tmp_path)


def test_a_bundle_answers_as_it_did(bundle, tmp_path):
    whole, pictures = tmp_path / "whole", tmp_path / "pictures"
    shutil.copytree(bundle.parent, whole / "bundle")
    pictures.mkdir()
    for number, image in enumerate(random_portraits(3)):
        keras.utils.save_img(pictures / f"{number}.png", image, scale=False)
    job = Job(
        (
            *("training.predict", "--bundle", "{out}/bundle"),
            *("--portraits", "True", "--images", str(pictures)),
            *("--output", "{out}/found.csv"),
        ),
        ("found.csv",),
    )
    first = tmp_path / "first"
    shutil.copytree(whole, first)
    expected = job.whole(first)
    try_damages("bundle", whole, job, expected, 60, tmp_path)


@pytest.mark.parametrize(
    ("name", "results"),
    [("sweep", ("report.json", "table.md")), ("search", ("s/table.md",))],
)
def test_a_finished_comparison_tells_as_it_did(name, results, jobs, tmp_path):
    whole, job = tmp_path / "whole", Job(jobs[name].words, results)
    expected = job.whole(whole)
    try_damages(f"finished {name}", whole, job, expected, 25, tmp_path)
