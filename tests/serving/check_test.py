import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.export.networks import random_portraits
from tp_keras.errors import UserError
from tp_keras.serving import check_bundle
from tp_keras.serving import check_graph
from tp_keras.serving import check_parity


@pytest.fixture
def tamper(bundle, tmp_path):
    """Returns a function that changes the graph of a copy of the bundle."""

    def change(function):
        folder = shutil.copytree(bundle, tmp_path / "1")
        path = folder / "saved_model.pb"
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        function(saved_model.meta_graphs[0])
        path.write_bytes(saved_model.SerializeToString())
        return folder

    return change


def remove_signature(graph):
    del graph.signature_def["serving_default"]


def add_signature(graph):
    graph.signature_def["other"].CopyFrom(graph.signature_def["embed"])


def rename_input(graph):
    inputs = graph.signature_def["serve_bytes"].inputs
    inputs["bytes"].CopyFrom(inputs["image_bytes"])
    del inputs["image_bytes"]


def fix_the_batch(graph):
    outputs = graph.signature_def["embed"].outputs
    outputs["hair_embedding"].tensor_shape.dim[0].size = 1


def make_a_scalar(graph):
    outputs = graph.signature_def["serve_bytes"].outputs
    del outputs["valid"].tensor_shape.dim[:]


def make_half_precision(graph):
    outputs = graph.signature_def["serving_default"].outputs
    outputs["gender"].dtype = tf.float16.as_datatype_enum


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
        (remove_signature, "signature 'serving_default' is missing"),
        (add_signature, "signature 'other' is unknown"),
        (rename_input, "inputs of 'serve_bytes' are"),
        (fix_the_batch, "'hair_embedding' of 'embed' has no batch"),
        (make_a_scalar, "'valid' of 'serve_bytes' has no batch"),
        (make_half_precision, "'gender' of 'serving_default' has dtype 19"),
        (compile_by_xla, "compiled by XLA"),
        (add_variable, r"variables \(VarHandleOp\)"),
        (add_unknown_operation, r"unknown operations \(PyFunc\)"),
        (rename_tag, "one graph with the tag `serve`"),
    ],
)
def test_a_bundle_that_was_tampered_with_is_told(tamper, change, message):
    with pytest.raises(UserError, match=message):
        check_graph(tamper(change))


def test_a_whole_bundle_passes(bundle):
    check_bundle(bundle)


def test_the_name_of_the_folder(bundle, tmp_path):
    with pytest.raises(UserError, match="integer"):
        check_bundle(shutil.copytree(bundle, tmp_path / "v1"))


def test_no_graph(tmp_path):
    with pytest.raises(UserError, match="no readable saved_model.pb"):
        check_graph(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(UserError, match="no readable saved_model.pb"):
        check_graph(tmp_path)


def test_what_keras_exports_does_not_pass(classifier, tmp_path):
    classifier.model.export(str(tmp_path / "1"), verbose=False)
    with pytest.raises(UserError, match="variables"):
        check_bundle(tmp_path / "1")


def test_parity_sees_a_small_difference(bundle, classifier):
    images = random_portraits(4)

    def shifted(images):
        outputs = {k: v.numpy() for k, v in classifier.model(images).items()}
        outputs["hair_type"][2, 1] += 0.01
        return outputs

    with pytest.raises(UserError, match="in 'hair_type'"):
        check_parity(bundle, shifted, images)


@pytest.mark.parametrize("name", ["gender", "hair_embedding"])
def test_parity_refuses_nan(bundle, classifier, name):
    def broken(images):
        outputs = {k: v.numpy() for k, v in classifier.model(images).items()}
        outputs[name] = np.full_like(outputs[name], np.nan)
        return outputs

    with pytest.raises(UserError, match=name):
        check_parity(bundle, broken, random_portraits(2))


def test_parity_misses_an_output(bundle, classifier):
    def more(images):
        outputs = dict(classifier.model(images))
        return {**outputs, "age": outputs["gender"]}

    with pytest.raises(UserError, match="lacks the output 'age'"):
        check_parity(bundle, more, random_portraits(2))
