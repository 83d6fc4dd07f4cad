"""The C API out of the TensorFlow package, its functions typed."""

import ctypes
import importlib.util
import pathlib
import types

from tp_keras.errors import UserError

# What is called of the library: name, result and arguments by their types.
_C_TYPES = {
    "-": None,
    "p": ctypes.c_void_p,
    "i": ctypes.c_int,
    "l": ctypes.c_int64,
    "n": ctypes.c_size_t,
    "s": ctypes.c_char_p,
}
_FUNCTIONS = """
    TF_NewStatus p
    TF_DeleteStatus - p
    TF_GetCode i p
    TF_Message s p
    TF_NewGraph p
    TF_DeleteGraph - p
    TF_NewSessionOptions p
    TF_DeleteSessionOptions - p
    TF_SetConfig - p s n p
    TF_NewBuffer p
    TF_DeleteBuffer - p
    TF_LoadSessionFromSavedModel p p p s p i p p p
    TF_CloseSession - p p
    TF_DeleteSession - p p
    TF_SessionRun - p p p p i p p i p i p p
    TF_GraphOperationByName p p s
    TF_AllocateTensor p i p i n
    TF_DeleteTensor - p
    TF_TensorData p p
    TF_TensorByteSize n p
    TF_TensorType i p
    TF_NumDims i p
    TF_Dim l p i
    TF_StringInit - p
    TF_StringCopy - p s n
    TF_StringDealloc - p
    TF_StringGetDataPointer p p
    TF_StringGetSize n p
"""

# During these, other threads of Python go on. The others are over before a
# thread could take turns, which costs far more than they do.
_LONG = {
    *("TF_LoadSessionFromSavedModel", "TF_SessionRun"),
    *("TF_CloseSession", "TF_DeleteSession"),
}


def load_library() -> types.SimpleNamespace:
    """Loads the C API out of the TensorFlow package and types what we call."""
    package = pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent
    # The framework library first: the other one looks for its symbols.
    for pattern in ("libtensorflow_framework.*", "libtensorflow_cc.*"):
        paths = sorted(package.glob(pattern))
        if not paths:
            raise UserError(
                f"Expected {pattern} in the TensorFlow package, as in the "
                "wheels for Linux and macOS. Received: none"
            )
        library = ctypes.CDLL(str(paths[0]), mode=ctypes.RTLD_GLOBAL)
        keeping_the_lock = ctypes.PyDLL(str(paths[0]))
    functions = types.SimpleNamespace()
    for line in _FUNCTIONS.strip().splitlines():
        name, result, *arguments = line.split()
        function = getattr(library if name in _LONG else keeping_the_lock, name)
        function.restype = _C_TYPES[result]
        function.argtypes = [_C_TYPES[letter] for letter in arguments]
        setattr(functions, name, function)
    return functions
