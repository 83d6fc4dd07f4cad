"""Every module is imported with the packages of requirements.txt alone."""

import importlib.metadata
import pathlib
import subprocess
import sys

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.imports_test import imported_modules

ROOT = pathlib.Path(__file__).parents[1]
PAGE = "tp_keras.server"
# Apache Beam has an environment of its own; `tests/beam` imports these there.
PIPELINES = ("tp_keras.pipelines.embed", "datasets.building.beam_")

# Run as `python -c CODE FOREIGN MODULE...`: refuses the foreign packages, as
# if they weren't installed, and imports the modules.
CODE = """
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

foreign, modules = set(sys.argv[1].split()), sys.argv[2].split()
sys.meta_path.insert(0, Refuse())
for module in modules:
    importlib.import_module(module)
assert not foreign & {name.partition(".")[0] for name in sys.modules}
"""


def lines_of(name) -> list[str]:
    """Returns the requirements that a file itself lists."""
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and line[0] not in "#-"]


def named_in(name) -> set[str]:
    """Returns the canonical names of what a file lists."""
    return {
        canonicalize_name(Requirement(line).name) for line in lines_of(name)
    }


def owners_of_packages() -> dict[str, set[str]]:
    """Returns the distributions that bring each importable name."""
    found = importlib.metadata.packages_distributions()
    return {
        package: set(map(canonicalize_name, owners))
        for package, owners in found.items()
    }


def test_every_module_imports_with_the_runtime_requirements():
    optional = set().union(
        *(named_in(path.name) for path in ROOT.glob("requirements-*.txt"))
    )
    # Setuptools is what TensorFlow needs as well.
    optional -= named_in("requirements.txt") | {"setuptools"}
    foreign = {
        package
        for package, owners in owners_of_packages().items()
        if owners <= optional
    }
    # The optional ones are told apart, and what is needed is not among them.
    assert {"onnx", "openvino", "jax", "pytest"} <= foreign
    assert not {"tensorflow", "keras", "tqdm", "scipy", "sklearn"} & foreign
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
            ".__init__"
        )
        for folder in ("tp_keras", "datasets", "training")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.name.endswith("_test.py")
    ]
    assert len(modules) > 200
    # A room of its own, for which `make serve` installs more.
    page = [module for module in modules if module.startswith(PAGE)]
    others = [
        module
        for module in modules
        if module not in page and not module.startswith(PIPELINES)
    ]
    for part, refused in (
        (others, foreign),
        (page, foreign - packages_of("requirements-page.txt")),
    ):
        subprocess.run(
            [sys.executable, "-c", CODE, " ".join(refused), " ".join(part)],
            cwd=ROOT,
            check=True,
        )


def packages_of(name):
    """Returns what a file's packages, and those they need, are imported as."""
    needed, todo = set(), named_in(name)
    while todo:
        distribution = todo.pop()
        needed.add(distribution)
        lines = importlib.metadata.requires(distribution) or []
        found = {Requirement(line) for line in lines}
        todo |= {
            canonicalize_name(line.name)
            for line in found
            if line.marker is None or line.marker.evaluate({"extra": ""})
        } - needed
    return {
        package
        for package, owners in owners_of_packages().items()
        if owners <= needed
    }


def imported_packages(folder):
    """Returns the top-level names that the sources of a folder import."""
    return {
        module.partition(".")[0]
        for path in (ROOT / folder).rglob("*.py")
        if not path.name.endswith("_test.py")
        for module in imported_modules(path)
    }


def test_what_is_imported_is_named_in_a_requirements_file():
    """Not only brought along by a package that may cease to need it."""
    named = set().union(
        *(
            named_in(f"requirements{kind}.txt")
            for kind in ("", "-formats", "-page", "-jax")
        )
    )
    # What FastAPI is made of, and says so.
    named.add("starlette")
    # The messages of TensorFlow, which pins what they are made of.
    named.add("protobuf")
    owners = owners_of_packages()
    for folder in ("tp_keras", "datasets", "training"):
        for package in imported_packages(folder) & set(owners):
            assert owners[package] & named, package
