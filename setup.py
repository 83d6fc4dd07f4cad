"""What `pyproject.toml` can't say: other names for folders, and no tests."""

from setuptools import find_packages
from setuptools import setup
from setuptools.command.build_py import build_py

# `datasets` is also the name of another package, `training` anybody's.
FOLDERS = {
    "tp_keras": "tp_keras",
    "tp_keras_datasets": "datasets",
    "tp_keras_training": "training",
}


class BuildWithoutTests(build_py):
    """Leaves out the tests beside what they test, and what only they read."""

    def find_package_modules(self, package, package_dir):
        """Returns the modules of a package as setuptools has them."""
        return [
            (package, module, path)
            for package, module, path in super().find_package_modules(
                package, package_dir
            )
            if not (module.endswith("_test") or module.startswith("dummy_data"))
        ]


setup(
    package_dir=FOLDERS,
    packages=[
        ".".join(filter(None, (name, package)))
        for name, folder in FOLDERS.items()
        for package in ("", *find_packages(folder))
    ],
    cmdclass={"build_py": BuildWithoutTests},
)
