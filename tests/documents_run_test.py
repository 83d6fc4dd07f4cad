"""Every command of a document runs, in the order in which it stands.

With few portraits, and for moments: what it writes, the next one finds.
"""

import importlib.util
import re

import pytest

from tests import small_documents
from tests.documents_test import DOCUMENTS
from tests.documents_test import ROOT
from tests.documents_test import codes_in
from tests.documents_test import commands_of

pytestmark = pytest.mark.large

# Snippets that ask a server of TensorFlow's, which isn't here.
_ASKS = re.compile(r"grpc|urllib|Client\(")
# Stands for a run that the reader has, or needs a second terminal.
_GIVEN = re.compile(r"\bRUN\b|--host_index")
# Wants Apache Beam, which has an environment of its own: `make test-beam`.
_PIPED = re.compile(r"--beam_options|training\.embed")
_HAS_BEAM = importlib.util.find_spec("apache_beam") is not None


def parts_of(name):
    """Yields what to run, and by what: commands and snippets of a document."""
    for language, code, is_inline in codes_in((ROOT / name).read_text()):
        if language == "python":
            # Those of the README have a test of their own.
            if name != "README.md" and not _ASKS.search(code):
                yield small_documents.run_snippet, code
        elif not is_inline or code.startswith("make "):
            for line in commands_of(code, is_inline):
                if _PIPED.search(line) and not _HAS_BEAM:
                    continue
                if not _GIVEN.search(line):
                    yield small_documents.run_command, line


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_stands_there_runs(name, tmp_path):
    small_documents.write_readers_files(tmp_path)
    faults = [small_documents.run(part, tmp_path) for part in parts_of(name)]
    if any(faults):
        pytest.fail("\n\n".join(filter(None, faults)), pytrace=False)
