#!/usr/bin/env bash
# huggingface_hub 2.4.0: a model card gives the results of one task to another.
#
# A model with two answers, say hair colour and glasses, has two results that
# differ in `task_name` alone: same task type, same data set. Written into the
# front matter, both stand below the name of the first: two accuracies of hair
# colour, none of glasses, and no warning. Two results are one group if task
# type, data set, configuration, split and revision agree; the name of the task
# is no part of it. Read back, the card says what nobody has measured. A name
# of the metric that tells the task keeps them apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet huggingface_hub==2.4.0
"$folder/venv/bin/python" - <<'PYTHON'
from huggingface_hub import EvalResult
from huggingface_hub import ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results

measured = {"hair colour": 0.9, "glasses": 0.7}
results = [
    EvalResult(
        task_type="image-classification",
        task_name=name,
        dataset_type="faces",
        dataset_name="Faces",
        metric_type="accuracy",
        metric_value=value,
    )
    for name, value in measured.items()
]
data = ModelCardData(model_name="attributes", eval_results=results)
_, read = model_index_to_eval_results(data.to_dict()["model-index"])
found = [(result.task_name, result.metric_value) for result in read]
print("written:  ", list(measured.items()))
print("read back:", found)
if found != [("hair colour", 0.9), ("hair colour", 0.7)]:
    raise SystemExit("Changed: the tasks are kept apart.")
PYTHON
echo "As described."
