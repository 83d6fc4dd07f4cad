"""What a command of a document needs is made by one that stands before it.

Names in capitals stand for what the reader has, and so do files of pictures,
tables and archives. Nothing is run.
"""

import pathlib
import re
import shlex

import pytest

from datasets.building.errors import DatasetInputError
from datasets.building.prepare import find_builder_class
from tests.printed_commands import parse
from tp_keras.export.bundle import BUNDLE_NAME
from tp_keras.generator.export.bundle import VAE_BUNDLE_NAME
from training.configs import EXPERIMENTS

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = [
    *("README.md", "exported_models/README.md", "notebooks/README.md"),
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
    *(
        f"datasets/{path.parent.name}/README.md"
        for path in sorted((ROOT / "datasets").glob("*/README.md"))
    ),
]

# A block of code, or a command within a sentence.
_CODE = re.compile(r"```(\w*)\n(.*?)```|`((?:python -m|make) [^`]+)`", re.S)
_PLACE = re.compile(r'(?<!run_dir=)"((?:runs|exported_models|data)/[^"]*)"')


class Place(str):
    """A path, or a name in capitals for one that the reader has."""

    @property
    def is_given(self):
        return not re.search("[a-z]", self.rpartition("/")[2])


class World:
    """What commands have made, from an empty folder on."""

    def __init__(self):
        self.data = set()  # Folder and name of a data set.
        self.runs = {}  # Path -> folder, name and part of its data.
        self.generators = {}
        self.evaluated = set()
        self.bundles = {}  # Path -> whether each version has other formats.
        self.missing = []
        self.in_sentence = False

    def need(self, there, kind, place):
        if not there:
            self.missing.append(f"{kind} {place}")

    def need_data(self, folder, name):
        given = Place(folder).is_given or Place(name).is_given
        # Sentences tell what was measured on archives, which are the reader's.
        given = given or (self.in_sentence and "synthetic" not in name)
        self.need(given or (str(folder), name) in self.data, "data set", name)

    def need_run(self, path, runs=None):
        """Returns of which data a run is, None where the reader has it."""
        runs, path = self.runs if runs is None else runs, Place(path)
        self.need(path.is_given or path in runs, "run", path)
        return runs.get(path)

    def need_bundle(self, path):
        path = Place(path)
        self.need(path.is_given or path in self.bundles, "bundle", path)

    def execute(self, command):
        """Notes what a command needs and makes."""
        name, it = type(command).__name__, getattr(command, "config", command)
        run = getattr(it, "run_dir", None)
        run = run and str(run)
        if name == "BuildDataset":
            self.data.add((str(it.data_dir), self.variant(it)))
        elif name == "RunAll":
            config = EXPERIMENTS[
                it.experiment or ("real" if it.manual_dir else "demo")
            ][1]
            data = str(it.data_dir), it.dataset or config.data.dataset
            path = run or config.run_dir
            self.data.add(data)
            self.runs[path] = *data, "train"
            self.evaluated.add(path)
            self.bundle(it.output_dir, BUNDLE_NAME, False)
        elif name in ("Train", "TrainVae"):
            data = it.data.data_dir, it.data.dataset
            for dataset in it.data.datasets:
                self.need_data(it.data.data_dir, dataset)
            if name == "Train":
                self.runs[run] = *data, it.data.train_split
                if it.model.from_run:
                    self.need_run(it.model.from_run)
            else:
                self.generators[run] = *data, it.data.train_split
                eyes = it.model.classifier_run
                seen = self.need_run(eyes or "no --classifier_run")
                same = seen in (None, self.generators[run])
                self.need(same, "the same portraits in the run", eyes)
        elif name in ("Audit", "Sample", "Wallpaper"):
            self.need_data(it.data_dir, it.dataset)
            if run:
                self.need_run(run)
        elif name == "Pretrain":
            self.need_data(it.data.data_dir, it.data.dataset)
            self.runs[run] = it.data.data_dir, it.data.dataset, "train"
        elif name in ("EvaluateVae", "ExportVae"):
            self.need_run(run, self.generators)
            for path in getattr(it, "independent_runs", ()):
                self.need_run(path)
            if name == "ExportVae":
                self.bundle(it.output_dir, VAE_BUNDLE_NAME, False)
        elif name in ("Edit", "Generate", "Interpolate"):
            if run:
                self.need_run(run, self.generators)
            elif it.bundle:
                self.need_bundle(it.bundle)
        elif name in ("Predict", "SearchSimilar"):
            if getattr(it, "bundle", None):
                self.need_bundle(it.bundle)
            else:
                self.need_run(run)
        elif name == "Serve":
            self.need_bundle(f"{it.bundles}/{it.model}")
            if run:
                self.need_run(run)
        elif name == "FairnessSweep":
            for base in it.base_runs:
                self.need_run(base)
            if not it.base_runs:
                data = EXPERIMENTS[it.experiment][1].data
                folder = it.data_dir or data.data_dir
                self.need_data(folder, it.dataset or data.dataset)
        elif name in ("Tune", "SafeAugmentations", "CompareTargets"):
            experiment = it.base if name == "Tune" else it.experiment
            data = EXPERIMENTS[experiment][1].data
            folder = it.data_dir or data.data_dir
            self.need_data(folder, it.dataset or data.dataset)
        elif name == "ExplainCriterion":
            self.need_data(it.data_dir, it.dataset)
            for path in it.attribute_runs:
                self.need_run(path)
        elif name not in ("DrawPortraits", "PredictColumn", "RankAttributes"):
            # All others look at a run, on its own data or others.
            known = self.need_run(run)
            for dataset in getattr(it, "datasets", None) or [
                getattr(it, "dataset", None)
            ]:
                folder = it.data_dir if hasattr(it, "data_dir") else None
                folder = folder or (known and known[0]) or "GIVEN"
                if dataset:
                    self.need_data(folder, dataset)
            if name == "Evaluate":
                self.evaluated.add(run)
            elif name == "Report":
                there = Place(run).is_given or run in self.evaluated
                self.need(there, "evaluation of", run)
            elif name == "Debias":
                self.runs[str(it.output_dir)] = known
            elif name == "Export" and not Place(run).is_given:
                self.bundle(it.output_dir, BUNDLE_NAME, "," in it.formats)

    def bundle(self, folder, name, has_formats):
        self.bundles.setdefault(f"{folder}/{name}", []).append(has_formats)

    @staticmethod
    def variant(build):
        """Returns data set and variant that a command builds."""
        name, _, variant = build.dataset.partition("/")
        try:
            builder = find_builder_class(name)
        except DatasetInputError:
            return f"{name}/files"  # One of the reader's own.
        flags = {"count": build.count, "seed": build.seed}
        flags |= {"image_size": build.image_size}
        found = builder.VARIANTS.find(variant, bool(build.manual_dir), **flags)
        return f"{name}/{found.name}"

    def snippet(self, text):
        """Notes which places a snippet of Python needs."""
        for place in _PLACE.findall(text):
            kind, _, path = place.partition("/")
            if kind == "runs":
                self.need_run(f"{kind}/{path.split('/')[0]}")
            elif kind == "exported_models":
                name, _, rest = path.partition("/")
                self.need_bundle(f"{kind}/{name}")
                version, _, rest = rest.partition("/")
                versions = self.bundles.get(f"{kind}/{name}", [])
                if version:
                    there = int(version) <= len(versions)
                    there = there and (
                        "formats" not in rest or versions[int(version) - 1]
                    )
                    self.need(there, "version", place)
            else:
                folders = {folder for folder, _ in self.data}
                self.need(place in folders, "data", place)


def recipes():
    """The targets of the Makefile, each with its lines and those of `ifdef`."""
    text = (ROOT / "Makefile").read_text()
    text = re.sub(r"\\\n\s*", "", text)
    values = dict(re.findall(r"^(\w+) [:?]= (.*)$", text, re.M))
    for name, body in re.findall(
        r"^([\w-]+):(?!=)[^\n]*\n((?:\t[^\n]*\n|(?:ifdef|else|endif)[^\n]*\n)+)",
        text,
        re.M,
    ):
        yield name, body, values


def made_by(line):
    """The commands that `make TARGET NAME=value` runs."""
    words = shlex.split(line, comments=True)[1:]
    given = dict(word.split("=", 1) for word in words if "=" in word)
    known = {name: (body, values) for name, body, values in recipes()}
    for target in words:
        if target not in known:
            continue  # Such as `make test`, whose lines train nothing.
        body, values = known[target]
        if "ifdef" in body:
            flag, yes, no = re.search(
                r"ifdef (\w+)\n(.*)else\n(.*)endif", body, re.S
            ).groups()
            body = yes if flag in given else no
        values = values | given | {"RUN": "python"}
        while found := re.search(r"\$\((\w+)\)", body):
            body = body.replace(found[0], values.get(found[1], "FILES"))
        for command in body.splitlines():
            command = command.strip()
            if command.startswith("python -m training."):
                yield command


def commands_of(code, in_sentence):
    """The training commands of a line, of `make` those that it runs.

    A sentence may name a command without its flags.
    """
    code = " ".join(code.split())
    if code.startswith("make "):
        yield from made_by(code)
    elif code.startswith("python -m training.") and "--help" not in code:
        words = shlex.split(code, comments=True)
        if len(words) > 3 or not in_sentence:
            yield shlex.join(words)


def codes_in(text):
    """Yields language, code and whether it is in a sentence, line by line.

    Snippets of Python come whole.
    """
    for language, block, inline in _CODE.findall(text):
        if language == "python":
            yield language, block, False
        else:
            block = re.sub(r"\\\n\s*", "", block)
            for code in [inline] if inline else block.splitlines():
                yield language, code, bool(inline)


def missing_in(text):
    """What the commands and snippets of a document miss, in their order."""
    world, missing = World(), []

    def note(line):
        missing.extend(f"{line}: {what}" for what in world.missing)
        world.missing.clear()

    for language, code, world.in_sentence in codes_in(text):
        if language == "python":
            world.snippet(code)
            note("snippet")
        else:
            for line in commands_of(code, world.in_sentence):
                world.execute(parse(line))
                note(line)
    return missing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_needed_is_made_before(name):
    assert missing_in((ROOT / name).read_text()) == []


@pytest.mark.parametrize(
    "lines",
    [
        *(["make demo"], ["make fairness"], ["make portraits"]),
        *(["make utkface"], ["make utkface UTKFACE=FILE"]),
        *(["make train MANUAL_DIR=FILES"], ["make demo", "make report"]),
        ["make demo", "make serve"],
    ],
)
def test_targets_make_what_they_need(lines):
    text = "\n".join(["```", *lines, "```"])
    assert missing_in(text) == []
    assert all([*made_by(line)] for line in lines)


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        ("python -m training.train demo", "data set tiny_portraits/synthetic"),
        ("make serve", "bundle exported_models/portrait_attributes"),
        ("make report", "evaluation of runs/demo"),
        ("python -m training.export --run_dir runs/no", "run runs/no"),
        (
            "make fairness\npython -m training.train_vae smoke "
            "--classifier_run runs/demo",
            "the same portraits in the run runs/demo",
        ),
        (
            "make demo\npython -m training.generalise --run_dir runs/demo "
            "--datasets utk_face/synthetic",
            "data set utk_face/synthetic",
        ),
        (
            "make demo\n```\n```python\nopen('x')\n"
            'open("exported_models/portrait_attributes/1/formats")',
            "version exported_models/portrait_attributes/1/formats",
        ),
    ],
)
def test_what_is_missing_is_found(lines, missing):
    found = missing_in(f"```\n{lines}\n```")
    assert any(line.endswith(missing) for line in found), found
