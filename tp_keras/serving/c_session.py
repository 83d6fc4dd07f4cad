"""Runs a bundle as TensorFlow Serving does: in a session of the C API.

The TensorFlow wheel carries the C API, whose loader and session are those of
the server. What loads and runs here loads and runs there.
"""

import ctypes
import pathlib

import numpy as np

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.serving.c_library import load_library
from tp_keras.serving.locate import GRAPH_FILES
from tp_keras.serving.locate import METADATA_FILE
from tp_keras.serving.locate import check_files
from tp_keras.serving.locate import read_metadata

_TF_STRING = 7
_TF_TSTRING_BYTES = 24
# TF_DataType of each dtype that a signature may carry.
_DTYPES = {
    1: np.dtype("float32"),
    3: np.dtype("int32"),
    4: np.dtype("uint8"),
    9: np.dtype("int64"),
    10: np.dtype("bool"),
}

_Pointer = ctypes.c_void_p


class _Output(ctypes.Structure):
    """`TF_Output`: one output of an operation."""

    _fields_ = [("operation", _Pointer), ("index", ctypes.c_int)]


class _Buffer(ctypes.Structure):
    """`TF_Buffer`: bytes owned by the library."""

    _fields_ = [
        ("data", _Pointer),
        ("length", ctypes.c_size_t),
        ("deallocator", _Pointer),
    ]


class SessionError(UserError):
    """What TensorFlow refuses.

    Attributes:
        code: Its `TF_Code`, such as 3 for an invalid argument.
    """

    def __init__(self, message: str, code: int):
        super().__init__(message)
        self.code = code


class CSession:
    """A bundle loaded through TensorFlow's C API.

    Several threads may call `run` at once.

    Args:
        bundle_dir: Folder of one version of a bundle, with `saved_model.pb`.
        threads: Threads within an operation and between operations; None for
            TensorFlow's default, one per core. One is that of the caller,
            fastest for networks this small: requests run side by side
            instead. The first use of TensorFlow in a process decides for all
            that follow how many threads are within an operation.

    Attributes:
        signatures: Dict of signature name to the `SignatureDef` proto.

    Raises:
        UserError: If the folder holds no bundle or the loader refuses it.

    Example:
        >>> with CSession("exported_models/portrait_attributes/1") as session:
        ...     outputs = session.run("serving_default", {"image": images})
    """

    def __init__(self, bundle_dir, threads: int | None = None):
        # Imported late: reading figures of a bundle needs no TensorFlow.
        from tensorflow.core.protobuf import config_pb2
        from tensorflow.core.protobuf import meta_graph_pb2

        self._session = self._graph = None
        bundle_dir = pathlib.Path(bundle_dir)
        if not (bundle_dir / "saved_model.pb").is_file():
            raise UserError(
                "Expected a folder with saved_model.pb, which "
                f"`{command_line('training.export', run_dir='RUN')}` writes. "
                f"Received: bundle_dir={str(bundle_dir)!r}"
            )
        # There is none where a bundle of elsewhere is served.
        if (bundle_dir / METADATA_FILE).is_file():
            check_files(bundle_dir, read_metadata(bundle_dir), *GRAPH_FILES)
        library = self._library = load_library()
        self._places = {}
        self._graph = library.TF_NewGraph()
        status = library.TF_NewStatus()
        config = config_pb2.ConfigProto(
            intra_op_parallelism_threads=threads or 0,
            # With one, all callers would wait for the same thread: less than
            # none stands for the caller's own.
            inter_op_parallelism_threads=-1 if threads == 1 else threads or 0,
        ).SerializeToString()
        options = library.TF_NewSessionOptions()
        library.TF_SetConfig(options, config, len(config), status)
        meta_graph = library.TF_NewBuffer()
        tags = (ctypes.c_char_p * 1)(b"serve")
        self._session = library.TF_LoadSessionFromSavedModel(
            *(options, None, str(bundle_dir).encode(), tags, 1),
            *(self._graph, meta_graph, status),
        )
        library.TF_DeleteSessionOptions(options)
        buffer = ctypes.cast(meta_graph, ctypes.POINTER(_Buffer)).contents
        data = ctypes.string_at(
            buffer.data, buffer.length if buffer.data else 0
        )
        library.TF_DeleteBuffer(meta_graph)
        self._end(status)
        signatures = meta_graph_pb2.MetaGraphDef.FromString(data).signature_def
        self.signatures = {
            name: signature
            for name, signature in signatures.items()
            if not name.startswith("__")
        }

    def run(self, signature: str, inputs: dict) -> dict[str, np.ndarray]:
        """Runs one signature, from arrays by name to arrays by name.

        Strings are arrays of `bytes` objects.

        Raises:
            UserError: If signature or inputs do not match the bundle, or
                TensorFlow refuses the values.
        """
        if signature not in self.signatures:
            raise UserError(
                f"Expected one of the signatures {sorted(self.signatures)}. "
                f"Received: signature={signature!r}"
            )
        definition = self.signatures[signature]
        if set(inputs) != set(definition.inputs):
            raise UserError(
                f"Expected the inputs {sorted(definition.inputs)}. "
                f"Received: inputs={sorted(inputs)}"
            )
        names = sorted(definition.outputs)
        feeds, fetches = self._find_places(signature)
        tensors: list = []
        results = (_Pointer * len(fetches))()
        # One for each call, as several may run.
        status = self._library.TF_NewStatus()
        try:
            for name, info in definition.inputs.items():
                tensors.append(self._to_tensor(inputs[name], info.dtype))
            self._library.TF_SessionRun(
                *(self._session, None),
                *(feeds, (_Pointer * len(feeds))(*tensors), len(feeds)),
                *(fetches, results, len(fetches)),
                *(None, 0, None, status),
            )
            used, status = status, None
            self._end(used)
            arrays = map(self._to_array, results)
            return dict(zip(names, arrays, strict=True))
        finally:
            if status:
                self._library.TF_DeleteStatus(status)
            # Outputs first: they may be the inputs.
            for tensor in filter(None, results):
                self._library.TF_DeleteTensor(tensor)
            for tensor in tensors:
                self._free_input(tensor)

    def close(self) -> None:
        """Frees the session; a second call does nothing."""
        if self._session:
            status = self._library.TF_NewStatus()
            self._library.TF_CloseSession(self._session, status)
            self._library.TF_DeleteSession(self._session, status)
            self._library.TF_DeleteStatus(status)
            self._session = None
        if self._graph:
            self._library.TF_DeleteGraph(self._graph)
            self._graph = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_graph", None):
            self.close()

    def _end(self, status) -> None:
        """Frees a status, and raises what it tells."""
        code = self._library.TF_GetCode(status)
        message = self._library.TF_Message(status).decode(errors="replace")
        self._library.TF_DeleteStatus(status)
        if code:
            raise SessionError(f"TensorFlow refused it: {message}", code)

    def _find_places(self, signature):
        """Returns the places of inputs, and of outputs sorted by name."""
        if signature not in self._places:
            definition = self.signatures[signature]
            outputs = [info for _, info in sorted(definition.outputs.items())]
            infos = definition.inputs.values(), outputs
            self._places[signature] = tuple(map(self._to_places, infos))
        return self._places[signature]

    def _to_places(self, infos):
        places = (_Output * len(infos))()
        for place, info in zip(places, infos, strict=True):
            name, index = info.name.split(":")
            place.operation = self._library.TF_GraphOperationByName(
                self._graph, name.encode()
            )
            place.index = int(index)
        return places

    def _to_tensor(self, value, type_number: int):
        """Copies an array into a new tensor of the library."""
        is_string = type_number == _TF_STRING
        if is_string:
            # Not `asarray`: its byte strings lose the zeros at their end.
            array = np.array(value, dtype=object)
            if not all(isinstance(item, bytes) for item in array.flat):
                raise UserError("Expected bytes. Received: other objects")
        else:
            array = np.asarray(value, order="C")
            dtype = _DTYPES[type_number]
            if array.dtype != dtype:
                raise UserError(
                    f"Expected an array of {dtype}. "
                    f"Received: dtype={array.dtype}"
                )
        size = array.size * _TF_TSTRING_BYTES if is_string else array.nbytes
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        library = self._library
        tensor = library.TF_AllocateTensor(type_number, shape, array.ndim, size)
        data = library.TF_TensorData(tensor)
        if not is_string:
            ctypes.memmove(data, array.ctypes.data, size)
            return tensor
        for i, item in enumerate(array.ravel()):
            place = data + i * _TF_TSTRING_BYTES
            library.TF_StringInit(place)
            library.TF_StringCopy(place, item, len(item))
        return tensor

    def _free_input(self, tensor) -> None:
        """Frees a tensor, and its strings, which it doesn't own itself."""
        library = self._library
        if library.TF_TensorType(tensor) == _TF_STRING:
            data = library.TF_TensorData(tensor) or 0
            size = library.TF_TensorByteSize(tensor)
            for place in range(data, data + size, _TF_TSTRING_BYTES):
                library.TF_StringDealloc(place)
        library.TF_DeleteTensor(tensor)

    def _to_array(self, tensor) -> np.ndarray:
        """Copies a tensor of the library into a new array."""
        library = self._library
        type_number = library.TF_TensorType(tensor)
        rank = library.TF_NumDims(tensor)
        shape = [library.TF_Dim(tensor, i) for i in range(rank)]
        data = library.TF_TensorData(tensor)
        if type_number != _TF_STRING:
            array = np.empty(shape, _DTYPES[type_number])
            ctypes.memmove(array.ctypes.data, data, array.nbytes)
            return array
        array = np.empty(shape, object)
        flat = array.reshape(-1)
        for i in range(array.size):
            place = data + i * _TF_TSTRING_BYTES
            flat[i] = ctypes.string_at(
                library.TF_StringGetDataPointer(place),
                library.TF_StringGetSize(place),
            )
        return array
