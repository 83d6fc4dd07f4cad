#!/usr/bin/env bash
# tensorflow-datasets 4.9.10: a data set written as Parquet lacks rows.
#
# A builder of 320 examples with `file_format="parquet"` ends without an error
# and reports 320 examples in its `dataset_info`. Its files hold 200: the writer
# takes every second batch of 100 from the examples and drops the others. The
# same builder written as TFRecord and as ArrayRecord holds all 320. Nothing
# tells afterwards, neither a count nor the checksums; only reading does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-datasets==4.9.10 \
    tensorflow==2.21.0 keras==3.15.1 importlib_resources==7.1.0 \
    array_record==0.8.6 pyarrow==26.0.1
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import pathlib
import sys

import numpy as np
import pyarrow.parquet
import tensorflow_datasets as tfds

COUNT = 320


class Numbers(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict({"number": np.int64}),
        )

    def _split_generators(self, dl_manager):
        return {"train": ((i, {"number": i}) for i in range(COUNT))}

    def _generate_examples(self):
        yield from ()


def build(file_format):
    folder = pathlib.Path(sys.argv[1]) / file_format
    builder = Numbers(data_dir=folder, file_format=file_format)
    builder.download_and_prepare()
    return builder, builder.info.splits["train"].num_examples


builder, said = build("parquet")
files = pathlib.Path(builder.data_dir).glob("*.parquet*")
written = sum(pyarrow.parquet.read_metadata(f).num_rows for f in files)
records = sum(1 for _ in build("tfrecord")[0].as_dataset("train"))
arrays = len(build("array_record")[0].as_data_source("train"))
print(f"Parquet: said {said}, written {written}")
print(f"TFRecord: {records}, ArrayRecord: {arrays}")
if (said, written, records, arrays) != (COUNT, 200, COUNT, COUNT):
    raise SystemExit("Changed: other numbers of rows are written.")
PYTHON
echo "As described."
