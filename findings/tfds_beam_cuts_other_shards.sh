#!/usr/bin/env bash
# tensorflow-datasets 4.9.10, apache-beam 2.77.0: a builder that yields its
# examples from a Beam pipeline writes other shards than one that yields them
# from a generator.
#
# Both shuffle by the hash of the key and both promise the same order each time.
# But the writer of generators gives every shard the same number of examples,
# and the one of Beam gives every shard the same range of hashes: 1,000 examples
# in four shards are 250 each, or 254, 245, 247 and 254. With one shard the files are
# the same byte for byte, so a test of a small data set finds nothing; with two
# the checksums of all files differ, and so do the examples that a slice such
# as `train[:1shard]` names. The order of all examples, shard after shard, is
# the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-datasets==4.9.10 \
    tensorflow==2.21.0 keras==3.15.1 importlib_resources==7.1.0 \
    apache-beam==2.77.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import pathlib
import sys

import apache_beam as beam
import numpy as np
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions

COUNT, SHARDS = 1000, 4


class Numbers(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    by_beam = False

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict({"number": np.int64}),
        )

    def _split_generators(self, dl_manager):
        examples = [(i, {"number": i}) for i in range(COUNT)]
        return {"train": beam.Create(examples) if self.by_beam else examples}

    def _generate_examples(self):
        yield from ()


def build(name, num_shards):
    folder = pathlib.Path(sys.argv[1]) / f"{name}{num_shards}"
    builder = Numbers(data_dir=folder)
    builder.by_beam = name == "beam"
    options = PipelineOptions(["--runner=FnApiRunner"])
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            num_shards=num_shards, beam_options=options
        )
    )
    split = builder.info.splits["train"]
    # Shard after shard.
    how = tfds.ReadConfig(interleave_cycle_length=1)
    rows = builder.as_dataset("train", read_config=how)
    numbers = [int(row["number"]) for row in tfds.as_numpy(rows)]
    files = [pathlib.Path(path).read_bytes() for path in split.filepaths]
    return list(split.shard_lengths), numbers, files


one, beam_one = build("plain", 1), build("beam", 1)
plain, by_beam = build("plain", SHARDS), build("beam", SHARDS)
print("generator:", plain[0])
print("Beam:     ", by_beam[0])
print("one shard, the same bytes:", one[2] == beam_one[2])
if (
    one[2] != beam_one[2]
    or plain[0] != [COUNT // SHARDS] * SHARDS
    or by_beam[0] == plain[0]
    or sum(by_beam[0]) != COUNT
    or by_beam[1] != plain[1]
):
    raise SystemExit("Changed: the shards are cut otherwise.")
PYTHON
echo "As described."
