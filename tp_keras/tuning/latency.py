"""How long one portrait takes as it is served: folded, on one thread."""

import multiprocessing
import os
import statistics
import sys
import time

from tp_keras.tasks import IMAGE_SHAPE

_WARM_UP_CALLS = 20
_CALLS = 200


class LatencyMeter:
    """Measures models in a process of its own that has a single thread.

    The threads of TensorFlow are settled when it starts, and training needs
    all of them. So they are measured in a process that stays, and a measurement
    costs a second or less; it ends with `close`, or when this process ends in
    whatever way.

    Example:
        >>> with LatencyMeter() as meter:
        ...     milliseconds = meter.measure(classifier)
    """

    def __init__(self):
        self._start()

    def _start(self):
        # Not forked: a copy of a process with threads of TensorFlow hangs.
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(child,), daemon=True
        )
        self._process.start()
        # So that a dead process at the other end is noticed.
        child.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def measure(self, classifier) -> float:
        """Returns the median milliseconds of a batch of one.

        Args:
            classifier: A `PortraitClassifier`. What is timed is what is
                exported: the embedding too, batch normalisation folded,
                the weights constants of the graph.

        Raises:
            RuntimeError: If the graph can't be run.
        """
        try:
            self._connection.send(_constant_graph(classifier))
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            code = self._process.exitcode
            self._start()  # For the next.
            raise RuntimeError(
                f"The process that measures the latency ended by itself, with "
                f"exit code {code}."
            ) from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()


def _constant_graph(classifier):
    """Returns the serialised graph, and the names of input and outputs."""
    from tp_keras.export.folding import fold_batch_normalization
    from tp_keras.export.signatures import constant_function

    folded = fold_batch_normalization(classifier.inference_model())
    function = constant_function(folded).get_concrete_function()
    outputs = [output.name for output in function.outputs]
    graph = function.graph.as_graph_def().SerializeToString()
    return graph, function.inputs[0].name, outputs


def _serve(connection):
    """Answers graphs with milliseconds until the other end is closed."""
    # TensorFlow tells of its build; what goes wrong is answered.
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), sys.stderr.fileno())
    while True:
        try:
            question = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = _median_milliseconds(*question)
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        connection.send(answer)


def _median_milliseconds(content, source, outputs):
    # Imported with the first question: a process in vain costs nothing.
    import numpy as np
    import tensorflow as tf

    image = np.zeros((1, *IMAGE_SHAPE), np.uint8)
    one_thread = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
    )
    with tf.Graph().as_default():
        tf.graph_util.import_graph_def(
            tf.compat.v1.GraphDef.FromString(content), name=""
        )
        with tf.compat.v1.Session(config=one_thread) as session:
            infer = session.make_callable(outputs, [source])
            for _ in range(_WARM_UP_CALLS):
                infer(image)
            seconds = []
            for _ in range(_CALLS):
                begin = time.perf_counter()
                infer(image)
                seconds.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(seconds)
