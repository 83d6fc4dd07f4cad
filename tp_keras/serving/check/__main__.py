"""Checks exported bundles, before a server does.

python -m tp_keras.serving.check exported_models

Ends with 0 if all pass, 1 if there are faults, 2 if there is nothing to check.
"""

import argparse
import os
import sys

from tqdm import tqdm

from tp_keras.errors import UserError
from tp_keras.quiet import no_native_messages
from tp_keras.serving.check import check_path


def _with_bar(folders):
    """Begins what takes a while: imports TensorFlow, and shows a bar."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with no_native_messages():
        import tensorflow  # noqa: F401
    return tqdm(folders, desc="bundles", delay=1)


def main(arguments: list[str] | None = None) -> int:
    """Prints a report of each folder and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tp_keras.serving.check",
        description="Checks exported bundles: their files, their graph, the "
        "answers that were recorded at the export, and the warm-up.",
        epilog="Exit code: 0 if all pass, 1 with faults, 2 with no bundle.",
    )
    parser.add_argument(
        "path", help="folder of a version, of a model or of all models"
    )
    path = parser.parse_args(arguments).path
    try:
        reports = check_path(path, _with_bar)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(*reports, sep="\n")
    faulty = sum(bool(report.faults) for report in reports)
    print(f"Folders checked: {len(reports)}, with faults: {faulty}.")
    return int(faulty > 0)


if __name__ == "__main__":
    sys.exit(main())
