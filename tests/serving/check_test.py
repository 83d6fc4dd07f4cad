import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tp_keras.errors import UserError
from tp_keras.serving import check_answers
from tp_keras.serving import check_graph

IMAGES = random_portraits(4, schema=EVERY_KIND)


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


def fix_the_batch(graph):
    outputs = graph.signature_def["embed"].outputs
    outputs["embedding"].tensor_shape.dim[0].size = 1


def make_a_scalar(graph):
    outputs = graph.signature_def["serve_bytes"].outputs
    del outputs["valid"].tensor_shape.dim[:]


def make_half_precision(graph):
    outputs = graph.signature_def["serving_default"].outputs
    outputs["smile"].dtype = tf.float16.as_datatype_enum


def compile_by_xla(graph):
    graph.graph_def.library.function[0].attr["_XlaMustCompile"].b = True


def add_variable(graph):
    function = graph.graph_def.library.function[-1]
    function.node_def.add(name="v", op="VarHandleOp")


def add_unknown_operation(graph):
    graph.graph_def.node.add(name="p", op="PyFunc")


def rename_tag(graph):
    graph.meta_info_def.tags[:] = ["train"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_signature, r"signatures are \['embed', 'serve_bytes'\], not"),
        (add_signature, r"signatures are \['embed', 'other', "),
        (rename_input, "inputs of 'serve_bytes' are"),
        (remove_output, "outputs of 'serve_bytes' are"),
        (fix_the_batch, "'embedding' of 'embed' has no batch"),
        (make_a_scalar, "'valid' of 'serve_bytes' has no batch"),
        (make_half_precision, r"of 'serving_default' are .*\('smile', 19\)"),
        (compile_by_xla, "compiled by XLA"),
        (add_variable, r"variables \(VarHandleOp\)"),
        (add_unknown_operation, r"unknown operations \(PyFunc\)"),
        (rename_tag, "one graph with the tag `serve`"),
    ],
)
def test_a_bundle_that_was_tampered_with_is_told(
    bundle, tmp_path, change, message
):
    folder = shutil.copytree(bundle, tmp_path / "1")
    path = folder / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(saved_model.meta_graphs[0])
    path.write_bytes(saved_model.SerializeToString())
    with pytest.raises(UserError, match=message):
        check_graph(folder)


def test_whole_bundles_of_both_kinds_pass(bundle, vae_bundle):
    check_graph(bundle)
    check_graph(vae_bundle)


def test_what_cannot_be_read(bundle, tmp_path):
    with pytest.raises(UserError, match="no readable saved_model.pb"):
        check_graph(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(UserError, match="no readable saved_model.pb"):
        check_graph(tmp_path)
    shutil.copy(bundle / "saved_model.pb", tmp_path)
    with pytest.raises(UserError, match="cannot be read.*metadata.json"):
        check_graph(tmp_path)


def test_what_keras_exports_does_not_pass(classifier, bundle, tmp_path):
    classifier.inference_model().export(str(tmp_path / "1"), verbose=False)
    shutil.copy(bundle / "metadata.json", tmp_path / "1")
    with pytest.raises(UserError, match="variables"):
        check_graph(tmp_path / "1")


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
