"""What lies in the graph of a bundle, read without running it."""

import math
import pathlib
from collections.abc import Iterator

from tp_keras.errors import UserError
from tp_keras.serving.contract import WEIGHT
from tp_keras.serving.contract import find_contract

# Operations that servers of many versions know and that hold no state. One
# that is missing here is not wrong, but new: look at it, then add it.
_ALLOWED_NAMES = """
    Abs Add AddN AddV2 All Any ArgMax AvgPool BatchDatasetV2 BatchMatMulV2
    BiasAdd BitwiseOr BroadcastTo Cast ConcatV2 ConcatenateDataset Const
    Conv2D Conv2DBackpropInput Cumsum DatasetToSingleElement DecodeJpeg
    DecodePng DecodeRaw DepthToSpace DepthwiseConv2dNative Einsum Elu
    EncodePng EnsureShape Equal Erfc Exp ExpandDims Fill FloorDiv FloorMod
    GatherV2 Greater GreaterEqual HardSwish Identity IdentityN If
    IgnoreErrorsDataset LeakyRelu LeftShift Less LessEqual Log LogSoftmax
    LogicalAnd LogicalNot LogicalOr MapDataset MatMul Max MaxPool Maximum
    Mean Min Minimum Mul Neg NoOp NotEqual OneHot OnesLike
    Pack Pad PadV2 ParseExampleV2 ParseSingleExample PartitionedCall
    Placeholder Pow Prod Range RangeDataset RealDiv ReduceJoin Relu Relu6
    Reshape ResizeBilinear ResizeNearestNeighbor Rint Round Rsqrt
    ScaleAndTranslate ScatterNd Select SelectV2 Selu Shape Sigmoid Size
    Slice Softmax Softplus Split SplitV Sqrt Square SquaredDifference
    Squeeze StatefulPartitionedCall StatelessIf StatelessRandomNormalV2
    StatelessRandomUniformFullIntV2 StatelessRandomUniformV2 StatelessWhile
    StopGradient StridedSlice StringJoin StringLength Sub Substr Sum Tanh
    TensorDataset TensorListFromTensor TensorListGetItem TensorListReserve
    TensorListSetItem TensorListStack Tile Transpose Unpack While ZerosLike
"""
ALLOWED_OPERATIONS = frozenset(_ALLOWED_NAMES.split())


def graph_faults(bundle_dir, metadata: dict) -> Iterator[str]:
    """Yields a sentence for each fault of `saved_model.pb`.

    It shall hold one graph with the tag `serve`; the signatures of
    `find_contract`; the batch, of unknown size, as dimension 0 of every input
    and output; each parameter once, as a constant; no variables, no function
    compiled by XLA, no unknown operation.

    Raises:
        UserError: If the file can't be read.
    """
    graphs = _read_graphs(pathlib.Path(bundle_dir) / "saved_model.pb")
    tags = [sorted(graph.meta_info_def.tags) for graph in graphs]
    if tags != [["serve"]]:
        yield f"There should be one graph, of the tag `serve`, not {tags}."
        return
    yield from _signature_faults(graphs[0].signature_def, metadata)
    yield from _graph_faults(graphs[0].graph_def, metadata)


def _read_graphs(path):
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise UserError(
            f"There is no readable saved_model.pb ({error}). Received: {path}"
        ) from error
    return list(saved_model.meta_graphs)


def _signature_faults(signatures, metadata):
    signatures = {k: v for k, v in signatures.items() if not k.startswith("__")}
    contract = find_contract(signatures, metadata)
    if sorted(signatures) != sorted(contract):
        yield (
            f"The signatures are {sorted(signatures)}, not {sorted(contract)}."
        )
    for name in sorted(contract.keys() & signatures):
        sides = signatures[name].inputs, signatures[name].outputs
        for what, found, expected in zip(
            ("inputs", "outputs"), sides, contract[name], strict=True
        ):
            dtypes = {key: info.dtype for key, info in found.items()}
            if dtypes != expected:
                yield (
                    f"The {what} of {name!r} are {sorted(dtypes.items())}, "
                    f"not {sorted(expected.items())}."
                )
            for key, info in found.items():
                dims = info.tensor_shape.dim
                if not dims or dims[0].size != -1:
                    yield (
                        f"{key!r} of {name!r} has no batch of any size as its "
                        "dimension 0."
                    )


def _graph_faults(graph, metadata):
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
            "compiled by XLA, which servers refuse on a CPU."
        )
    found = sum(map(_weights_in, nodes))
    if found != metadata.get("parameters"):
        yield (
            f"It holds {found:,} parameters; metadata.json tells of "
            f"{metadata.get('parameters')}."
        )
    operations = {node.op for node in nodes}
    # The saver itself: it restores nothing and is part of every SavedModel.
    operations -= {"SaveV2", "RestoreV2", "MergeV2Checkpoints"}
    operations -= {"ShardedFilename", "StaticRegexFullMatch"}
    variables = {
        op for op in operations if "Variable" in op or "VarHandle" in op
    }
    if variables:
        yield f"It holds variables ({', '.join(sorted(variables))})."
    unknown = operations - variables - ALLOWED_OPERATIONS
    if unknown:
        yield f"It holds unknown operations ({', '.join(sorted(unknown))})."


def _weights_in(node) -> int:
    """Returns how many parameters of the model a node holds."""
    if node.op != "Const" or not node.name.startswith(WEIGHT):
        return 0
    shape = node.attr["value"].tensor.tensor_shape
    return math.prod(dim.size for dim in shape.dim)
