"""The gate of a bundle: what TensorFlow Serving would refuse, told before."""

import pathlib

import numpy as np

from tp_keras.errors import UserError
from tp_keras.serving.c_session import CSession
from tp_keras.serving.contract import find_contract
from tp_keras.tasks import HAIR_EMBEDDING

# Operations that servers of many versions know and that hold no state. One
# that is missing here is not wrong, but new: look at it, then add it.
_ALLOWED_NAMES = """
    Abs Add AddN AddV2 All Any ArgMax AvgPool BatchMatMulV2 BiasAdd BitwiseOr
    BroadcastTo Cast ConcatV2 Const Conv2D Conv2DBackpropInput Cumsum
    DecodeJpeg DecodePng DecodeRaw DepthToSpace DepthwiseConv2dNative Einsum
    Elu EncodePng EnsureShape Equal Erfc Exp ExpandDims Fill FloorDiv FloorMod
    GatherV2 Greater GreaterEqual HardSwish Identity IdentityN If LeakyRelu
    LeftShift Less LessEqual Log LogSoftmax LogicalAnd LogicalNot LogicalOr
    MatMul Max MaxPool Maximum Mean Min Minimum Mul Neg NoOp NotEqual OneHot
    OnesLike Pack Pad PadV2 PartitionedCall Placeholder Pow Prod Range RealDiv
    Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor Rint Round Rsqrt
    ScaleAndTranslate Select SelectV2 Selu Shape Sigmoid Size Slice Softmax
    Softplus Split SplitV Sqrt Square SquaredDifference Squeeze
    StatefulPartitionedCall StatelessIf StatelessRandomNormalV2
    StatelessRandomUniformFullIntV2 StatelessRandomUniformV2 StatelessWhile
    StopGradient StridedSlice StringJoin StringLength Sub Substr Sum Tanh
    TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem
    TensorListStack Tile Transpose Unpack While ZerosLike
"""
ALLOWED_OPERATIONS = frozenset(_ALLOWED_NAMES.split())


def check_bundle(bundle_dir) -> None:
    """Checks a published bundle: its folder's name and `check_graph`.

    Args:
        bundle_dir: Folder of one version.

    Raises:
        UserError: With everything that is wrong.
    """
    name = pathlib.Path(bundle_dir).name
    if not name.isdecimal():
        raise UserError(
            "Expected an integer as the folder's name: TensorFlow Serving "
            f"looks at no other. Received: bundle_dir={str(bundle_dir)!r}"
        )
    check_graph(bundle_dir)


def check_graph(bundle_dir) -> None:
    """Checks what lies in a bundle, without running it.

    One graph with the tag `serve`; the signatures with their names and dtypes;
    the batch, of unknown size, as dimension 0 of every input and output; no
    variables, no function compiled by XLA, no unknown operation.

    Args:
        bundle_dir: Folder with `saved_model.pb`.

    Raises:
        UserError: With everything that is wrong.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    path = pathlib.Path(bundle_dir) / "saved_model.pb"
    try:
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise UserError(
            f"The bundle has no readable saved_model.pb ({error}). "
            f"Received: bundle_dir={str(bundle_dir)!r}"
        ) from error
    graphs = list(saved_model.meta_graphs)
    tags = [sorted(graph.meta_info_def.tags) for graph in graphs]
    if tags != [["serve"]]:
        faults = [f"expected one graph with the tag `serve`, found {tags}"]
    else:
        faults = [
            *_signature_faults(graphs[0].signature_def),
            *_graph_faults(graphs[0].graph_def),
        ]
    if faults:
        raise UserError(
            f"The bundle would not serve: {'; '.join(faults)}. "
            f"Received: bundle_dir={str(bundle_dir)!r}"
        )


def check_parity(
    bundle_dir, reference, images, tolerance: float = 1e-4
) -> float:
    """Compares a bundle, run through TensorFlow's C API, with its model.

    Args:
        bundle_dir: Folder with `saved_model.pb`.
        reference: Function of the images, such as a Keras model, that returns
            a dict of task name to logits and, perhaps, `hair_embedding`.
        images: uint8 `[batch, 108, 84, 3]`.
        tolerance: Float. Greatest difference that passes.

    Returns:
        The greatest difference of a probability or of an embedding's value.

    Raises:
        UserError: If outputs are missing or differ by more.
    """
    expected = {k: np.asarray(v) for k, v in reference(images).items()}
    differences = {}
    with CSession(bundle_dir) as session:
        outputs = session.run("serving_default", {"image": images})
        if HAIR_EMBEDDING in expected:
            outputs |= session.run("embed", {"image": images})
    for name, values in expected.items():
        if name != HAIR_EMBEDDING:
            values = np.exp(values - values.max(axis=-1, keepdims=True))
            values = values / values.sum(axis=-1, keepdims=True)
        if name not in outputs:
            raise UserError(f"The bundle lacks the output {name!r}.")
        differences[name] = float(np.abs(outputs[name] - values).max())
    # A NaN equals and exceeds nothing: it counts as the greatest.
    worst = max(
        differences,
        key=lambda name: np.nan_to_num(differences[name], nan=np.inf),
    )
    if not differences[worst] <= tolerance:
        raise UserError(
            f"The bundle differs from its model by {differences[worst]:.2g} in "
            f"{worst!r}. Expected at most {tolerance:g}."
        )
    return differences[worst]


def _signature_faults(signatures):
    found = {name for name in signatures if not name.startswith("__")}
    contract = find_contract(found)
    for name in contract.required:
        if name not in found:
            yield f"the signature {name!r} is missing"
    for name in sorted(found):
        if name not in contract.inputs:
            yield f"the signature {name!r} is unknown"
            continue
        signature = signatures[name]
        inputs = {key: info.dtype for key, info in signature.inputs.items()}
        if inputs != contract.inputs[name]:
            yield f"the inputs of {name!r} are {sorted(inputs.items())}"
        outputs = {key: info.dtype for key, info in signature.outputs.items()}
        for key, dtype in outputs.items():
            if dtype not in contract.output_dtypes:
                yield f"the output {key!r} of {name!r} has dtype {dtype}"
        if contract.outputs and outputs != contract.outputs[name]:
            yield f"the outputs of {name!r} are {sorted(outputs.items())}"
        for key, info in (
            *signature.inputs.items(),
            *signature.outputs.items(),
        ):
            dims = info.tensor_shape.dim
            if not dims or dims[0].size != -1:
                yield f"{key!r} of {name!r} has no batch as its dimension 0"


def _graph_faults(graph):
    nodes = list(graph.node)
    compiled = []
    for function in graph.library.function:
        nodes.extend(function.node_def)
        if function.attr["_XlaMustCompile"].b:
            compiled.append(function.signature.name)
    compiled += [node.name for node in nodes if node.attr["_XlaMustCompile"].b]
    if compiled:
        # Keras compiles grouped convolutions, whatever `jit_compile` says.
        yield (
            f"{len(compiled)} of its functions, such as {compiled[0]!r}, are "
            "compiled by XLA, which servers refuse on a CPU"
        )
    operations = {node.op for node in nodes}
    # The saver itself: it restores nothing and is part of every SavedModel.
    operations -= {"SaveV2", "RestoreV2", "MergeV2Checkpoints"}
    operations -= {"ShardedFilename", "StaticRegexFullMatch"}
    variables = {
        op for op in operations if "Variable" in op or "VarHandle" in op
    }
    if variables:
        yield f"it holds variables ({', '.join(sorted(variables))})"
    unknown = operations - variables - ALLOWED_OPERATIONS
    if unknown:
        yield f"it holds unknown operations ({', '.join(sorted(unknown))})"
