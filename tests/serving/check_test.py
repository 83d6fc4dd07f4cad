import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tp_keras.errors import UserError
from tp_keras.serving import check_answers
from tp_keras.serving.check import check_content
from tp_keras.serving.check import check_path
from tp_keras.serving.check import check_version
from tp_keras.serving.check.__main__ import main
from tp_keras.serving.contract import WEIGHT
from tp_keras.serving.prediction_log import EXPECTED_FILE
from tp_keras.serving.prediction_log import WARM_UP_FILE
from tp_keras.serving.prediction_log import LoggedRequest
from tp_keras.serving.prediction_log import read_requests
from tp_keras.serving.prediction_log import write_requests

IMAGES = random_portraits(4, schema=EVERY_KIND)


# What may be wrong with a graph.


def remove_signature(graph):
    del graph.signature_def["serving_default"]


def add_signature(graph):
    graph.signature_def["other"].CopyFrom(graph.signature_def["embed"])


def rename_input(graph):
    inputs = graph.signature_def["serve_bytes"].inputs
    inputs["bytes"].CopyFrom(inputs["image_bytes"])
    del inputs["image_bytes"]


def remove_output(graph):
    del graph.signature_def["serve_bytes"].outputs["age_unit"]


def take_floats(graph):
    inputs = graph.signature_def["serving_default"].inputs
    inputs["image"].dtype = tf.float32.as_datatype_enum


def fix_the_batch(graph):
    outputs = graph.signature_def["embed"].outputs
    outputs["embedding"].tensor_shape.dim[0].size = 1


def make_a_scalar(graph):
    outputs = graph.signature_def["serve_bytes"].outputs
    del outputs["valid"].tensor_shape.dim[:]


def make_half_precision(graph):
    outputs = graph.signature_def["classify_smile"].outputs
    outputs["scores"].dtype = tf.float16.as_datatype_enum


def compile_by_xla(graph):
    graph.graph_def.library.function[0].attr["_XlaMustCompile"].b = True


def add_variable(graph):
    function = graph.graph_def.library.function[-1]
    function.node_def.add(name="v", op="VarHandleOp")


def add_unknown_operation(graph):
    graph.graph_def.node.add(name="p", op="PyFunc")


def rename_tag(graph):
    graph.meta_info_def.tags[:] = ["train"]


def weights_of(graph):
    return [
        (function, node)
        for function in graph.graph_def.library.function
        for node in function.node_def
        if node.name.startswith(WEIGHT)
    ]


def store_a_weight_twice(graph):
    function, node = weights_of(graph)[0]
    function.node_def.add().CopyFrom(node)
    function.node_def[-1].name += "_again"


def change_a_weight(graph):
    _, node = max(weights_of(graph), key=lambda pair: pair[1].ByteSize())
    tensor = node.attr["value"].tensor
    values = tf.make_ndarray(tensor)
    tensor.CopyFrom(tf.make_tensor_proto(values * np.float32(1.5)))


def cut_a_wire(graph):
    function, _ = weights_of(graph)[0]
    node = next(n for n in function.node_def if n.op == "Conv2D")
    node.input[0] = "gone:output:0"


def change_graph(folder, change):
    path = folder / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(saved_model.meta_graphs[0])
    path.write_bytes(saved_model.SerializeToString())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_signature, r"signatures are \['classify_mood', .*\], not \["),
        (add_signature, r"signatures are .*'embed', 'other', "),
        (rename_input, r"inputs of 'serve_bytes' are \[\('bytes', 7\)\], not"),
        (remove_output, "outputs of 'serve_bytes' are"),
        (take_floats, r"inputs of 'serving_default' are \[\('image', 1\)\]"),
        (fix_the_batch, "'embedding' of 'embed' has no batch"),
        (make_a_scalar, "'valid' of 'serve_bytes' has no batch"),
        (make_half_precision, r"of 'classify_smile' are .*\('scores', 19\)"),
        (compile_by_xla, "compiled by XLA"),
        (add_variable, r"variables \(VarHandleOp\)"),
        (add_unknown_operation, r"unknown operations \(PyFunc\)"),
        (rename_tag, r"of the tag `serve`, not \[\['train'\]\]"),
        (store_a_weight_twice, r"holds 1,\d+ parameters; .* tells of 1079"),
        (change_a_weight, "differs from its model by"),
        (cut_a_wire, "TensorFlow refused it"),
    ],
)
def test_a_graph_that_was_tampered_with(bundle, tmp_path, change, message):
    folder = shutil.copytree(bundle, tmp_path / "1")
    old_metadata(folder)  # Else its bytes alone would tell.
    change_graph(folder, change)
    with pytest.raises(UserError, match=f"would not serve.*{message}"):
        check_content(folder).require()


# What may be wrong with the files.


def no_metadata(folder):
    (folder / "metadata.json").unlink()


def changed_metadata(folder):
    path = folder / "metadata.json"
    path.write_text(path.read_text().replace('"high": ', '"high": 1'))


def less_metadata(folder):
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["signatures"], metadata["checksum"]
    path.write_text(json.dumps(metadata))


def old_metadata(folder):
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["files"], metadata["checksum"]
    path.write_text(json.dumps(metadata))


def no_graph(folder):
    (folder / "saved_model.pb").unlink()


def one_bit_of_a_graph(folder):
    path = folder / "saved_model.pb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def half_a_graph(folder):
    path = folder / "saved_model.pb"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def half_a_file_for_another_runtime(folder):
    path = folder / "formats" / "portrait_attributes.tflite"
    path.write_bytes(path.read_bytes()[:1000])


def a_file_left_by_a_killed_export(folder):
    (folder / ".123-abc.partial-metadata.json").touch()


def no_warm_up(folder):
    (folder / WARM_UP_FILE).unlink()


def damaged_warm_up(folder):
    path = folder / WARM_UP_FILE
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def half_a_warm_up(folder):
    path = folder / WARM_UP_FILE
    path.write_bytes(path.read_bytes()[:-40])


def another_log(folder):
    with tf.io.TFRecordWriter(str(folder / WARM_UP_FILE)) as writer:
        writer.write(b"")


def change_requests(folder, file, change):
    requests = read_requests(folder / file)
    write_requests(folder / file, change(requests), "portrait_attributes")


def warm_up_of_another_model(folder):
    def change(requests):
        inputs = requests[0].inputs
        return [*requests, LoggedRequest("generate", inputs)]

    change_requests(folder, WARM_UP_FILE, change)


def warm_up_without_a_batch_size(folder):
    change_requests(
        folder,
        WARM_UP_FILE,
        lambda requests: [
            r for r in requests if (r.signature, r.batch) != ("embed", 16)
        ],
    )


def endless_warm_up(folder):
    change_requests(folder, WARM_UP_FILE, lambda requests: requests * 30)


def warm_up_of_another_size(folder):
    def change(requests):
        images = {"image": np.zeros((1, 64, 40, 3), np.uint8)}
        return [*requests, LoggedRequest("serving_default", images)]

    change_requests(folder, WARM_UP_FILE, change)


def no_expected_answers(folder):
    (folder / EXPECTED_FILE).unlink()


def half_the_expected_answers(folder):
    path = folder / EXPECTED_FILE
    path.write_bytes(path.read_bytes()[:500])


def expected_answers_to_one_signature(folder):
    change_requests(folder, EXPECTED_FILE, lambda requests: requests[:1])


def other_expected_texts(folder):
    def change(requests):
        requests[0].outputs["smile_label"][0] = b"maybe"
        return requests

    change_requests(folder, EXPECTED_FILE, change)


def other_expected_numbers(folder):
    def change(requests):
        (request,) = (r for r in requests if r.signature == "regress_age")
        # Of a number the measure is its tolerance: 1e-4 of five years.
        request.outputs["outputs"][0] += 1e-3
        return requests

    change_requests(folder, EXPECTED_FILE, change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (no_metadata, r"cannot be read.*metadata\.json"),
        (changed_metadata, "metadata.json, as it was written; copy"),
        (less_metadata, r"metadata\.json does not tell 'signatures'"),
        (old_metadata, r"metadata\.json does not tell which files"),
        (no_graph, "no readable saved_model.pb"),
        (one_bit_of_a_graph, "saved_model.pb has other bytes than were exp"),
        (half_a_graph, "no readable saved_model.pb"),
        (
            half_a_file_for_another_runtime,
            "tflite has 1,000 bytes; it was exported with",
        ),
        (a_file_left_by_a_killed_export, r"not written \.123-abc\.partial"),
        (no_warm_up, "Record 1 cannot be read .*warmup_requests"),
        (damaged_warm_up, r"Record \d+ cannot be read .*corrupted"),
        (half_a_warm_up, r"Record 56 cannot be read"),
        (another_log, "it logs a nothing"),
        (warm_up_of_another_model, "asks for 'generate', which is no"),
        (warm_up_without_a_batch_size, r"lacks 'embed' in batches of \[16\]"),
        (endless_warm_up, "has 1,680 records; a server refuses more"),
        (warm_up_of_another_size, "Warm-up request 57 fails: TensorFlow"),
        (no_expected_answers, "Record 1 cannot be read .*expected_answers"),
        (half_the_expected_answers, r"Record \d cannot be read"),
        (expected_answers_to_one_signature, "lacks classify_mood, .*embed"),
        (other_expected_texts, r"other texts .*b'\w+'\. Expected b'maybe'"),
        (other_expected_numbers, "by 0.0002 in 'outputs' of 'regress_age'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_files_that_are_not_those_of_the_export(
    bundle, tmp_path, change, message
):
    folder = shutil.copytree(bundle, tmp_path / "1")
    change(folder)
    faults = check_version(folder).faults
    assert any(re.search(message, fault, re.DOTALL) for fault in faults), faults


def test_whole_bundles_of_both_kinds_pass(bundle, vae_bundle):
    for folder in (bundle, vae_bundle):
        report = check_version(folder).require()
        metadata = json.loads((folder / "metadata.json").read_text())
        assert sorted(report.differences) == metadata["signatures"]
        assert f"{metadata['parameters']:,} parameters, 56" in str(report)


def test_what_keras_exports_does_not_pass(classifier, bundle, tmp_path):
    classifier.inference_model().export(str(tmp_path / "1"), verbose=False)
    shutil.copy(bundle / "metadata.json", tmp_path / "1")
    with pytest.raises(UserError, match="variables"):
        check_content(tmp_path / "1").require()


@pytest.fixture
def models(bundle, tmp_path):
    """A folder of all models, with one of them."""
    return shutil.copytree(bundle.parents[1], tmp_path / "exported_models")


@pytest.mark.parametrize("name", ["v1", "01", "1.0", "9" * 19, "-1"])
def test_a_name_that_is_no_version(models, name):
    model = models / "portrait_attributes"
    no_metadata(model / "1")  # Its check is soon over.
    (model / "1").rename(model / name)
    faults = " ".join(check_path(models)[0].faults)
    assert f"name of the folder, {name!r}, is no version" in faults


def test_a_version_a_model_and_all_models(models):
    model = models / "portrait_attributes"
    other = models / "more" / "other"
    shutil.copytree(model, other)
    no_metadata(other / "1")  # Its check is soon over.
    for path, folders in {
        other / "1": [other / "1"],
        other: [other / "1"],
        models: [other / "1", model / "1", models / "more", models],
    }.items():
        reports = check_path(path)
        assert sorted(r.folder for r in reports) == sorted(folders)
        # Nobody has written there what a server is started with.
        faulty = other / "1", models / "more"
        for report in reports:
            assert bool(report.faults) == (report.folder in faulty)


def test_what_lies_beside_the_versions(models):
    def faults():
        return " ".join(check_path(models)[-1].faults)

    model = models / "portrait_attributes"
    no_metadata(model / "1")  # Its check is soon over.
    (models / "compose.yaml").unlink()
    assert faults() == "compose.yaml is missing; an export writes it."
    (models / "compose.yaml").touch()
    config = (models / "models.config").read_text()
    for old, new, message in (
        ("/models/", "/elsewhere/", "in '/elsewhere/portrait_attributes'"),
        ("portrait_attributes", "gone", "lacks 'portrait_attributes'"),
        ("portrait_attributes", "gone", "names 'gone', which is not there"),
        ("config", "confug", "list of models cannot be read"),
    ):
        (models / "models.config").write_text(config.replace(old, new))
        assert message in faults()
    (models / "models.config").write_text(config)
    name = ".12-abc.partial-unpublished"
    shutil.copytree(model / "1", model / name)
    report = check_path(models)[1]
    assert report.folder == model
    assert f"{name} was never published" in report.faults[0]


def test_the_command_prints_the_faults_and_ends_with_a_code(models, capsys):
    assert main([str(models)]) == 0
    printed = capsys.readouterr().out
    assert f"{models / 'portrait_attributes' / '1'}: passes" in printed
    assert "differences from the model" in printed
    assert printed.endswith("Folders checked: 2, with faults: 0.\n")
    no_warm_up(models / "portrait_attributes" / "1")
    assert main([str(models / "portrait_attributes")]) == 1
    printed = capsys.readouterr().out
    assert "portrait_attributes/1: FAULTY\n  - " in printed
    assert printed.endswith("Folders checked: 1, with faults: 1.\n")


def test_nothing_to_check(tmp_path):
    code = "-W", "error::RuntimeWarning", "-m", "tp_keras.serving.check"
    for path in (tmp_path, tmp_path / "gone"):
        done = subprocess.run(
            [sys.executable, *code, path], capture_output=True, text=True
        )
        assert done.returncode == 2
        assert re.fullmatch(
            "error: Expected the folder.*training.export.*\n", done.stderr
        )


def answers_of(classifier):
    answers = classifier.predict_answers(IMAGES, verbose=0)
    request = {"image": IMAGES}
    embedding = {"embedding": answers.pop("embedding")}
    return {
        "serving_default": (request, answers),
        "embed": (request, embedding),
    }


def test_answers_are_compared_in_their_scale(bundle, classifier):
    expected = answers_of(classifier)
    expected["serving_default"][1]["age"][2] += 2.0
    with pytest.raises(UserError, match="by 2 in 'age' of 'serving_default'"):
        check_answers(bundle, expected)
    found = check_answers(bundle, expected, 0.5, {"age": 5.0})
    assert found["serving_default"] == pytest.approx(0.4, abs=1e-3)
    assert found["embed"] < 1e-3


@pytest.mark.parametrize(
    ("signature", "name", "change", "message"),
    [
        ("serving_default", "smile", lambda v: v + [[0.01, 0.0]], "by 0.01 in"),
        ("serving_default", "signs", lambda v: v * np.nan, "by nan in"),
        ("embed", "embedding", lambda v: v * np.nan, "by nan in"),
        ("embed", "embedding", lambda v: v[:, :-1], "^"),
        ("embed", "mood", np.array, "lacks the output"),
    ],
)
def test_what_differs_is_told(
    bundle, classifier, signature, name, change, message
):
    expected = answers_of(classifier)
    outputs = expected[signature][1]
    outputs[name] = change(outputs.get(name, 0.0))
    message = f"{message} ?{name!r} of {signature!r}"
    with pytest.raises(UserError, match=message):
        check_answers(bundle, expected)
