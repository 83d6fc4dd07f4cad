"""Serves a page for one's own photo, and TensorFlow Serving's REST API.

python -m training.serve
python -m training.serve --run_dir runs/demo --port 8501
"""

import contextlib
import dataclasses
import gc
import importlib.util
import pathlib
import resource
import socket
import sys

from tp_keras.command_line import install_command
from tp_keras.errors import UserError

from .command import data_set
from .command import run
from .command import start_tensorflow

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SAMPLES = 8


@dataclasses.dataclass(frozen=True)
class Serve:
    """Serves exported bundles on this machine, until it is interrupted.

    For trying out: in production TensorFlow Serving, OpenVINO Model Server or
    KServe serve the same bundles.
    """

    bundles: str = "exported_models"
    """Folder of the bundles, each a folder of its versions. New versions are
    found while it runs."""

    model: str = "portrait_attributes"
    """Name of the bundle that answers photos."""

    run_dir: str | None = None
    """Folder of the run: its report, its safe ranges, and the portraits of
    its test split, of several data sets the first's, as samples and to find
    similar ones among."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    host: str = "127.0.0.1"
    """Address to listen at. Others than this machine's let others in."""

    port: int = 8501
    """Port to listen at, that of TensorFlow Serving; 0 for any free one."""

    def execute(self) -> None:
        """Loads everything, and serves."""
        missing = [
            name
            for name in ("fastapi", "uvicorn", "python_multipart")
            if importlib.util.find_spec(name) is None
        ]
        if missing:
            raise UserError(
                "The page needs more packages: "
                f"`{install_command('page')}`. Received: no "
                f"{', '.join(missing)}"
            )
        start_tensorflow()
        import uvicorn

        from tp_keras.server import ModelStore
        from tp_keras.server import create_app

        store = ModelStore(self.bundles)
        app = create_app(store, self._studio(store), self._hosts())
        _allow_connections()
        config = uvicorn.Config(
            app,
            self.host,
            self.port,
            log_level="warning",
            access_log=False,
            # Uploads go on for longer; idle connections don't.
            timeout_keep_alive=30,
        )
        server = uvicorn.Server(config)
        if self.host not in _LOOPBACK:
            print(
                f"Warning: {self.host} lets other machines in. There is no "
                "password, and what they send is not encrypted.",
                file=sys.stderr,
            )
        try:
            # Who reads the lines below may ask at once.
            listener = socket.create_server(
                (self.host, self.port),
                family=socket.AF_INET6 if ":" in self.host else socket.AF_INET,
                backlog=config.backlog,
            )
        except OSError as error:
            raise UserError(
                f"The address can't be listened at: {error.strerror}. Expected "
                "a free port and an address of this machine. "
                f"Received: host={self.host}, port={self.port}"
            ) from error
        # The port that was found, if any would do.
        port = listener.getsockname()[1]
        print(
            f"Page:      http://{self.host}:{port}/\n"
            f"REST API:  http://{self.host}:{port}/v1/models/{self.model}\n"
            "Ctrl-C ends it.",
            flush=True,
        )
        # What stays for good is not searched for garbage again and again: with
        # TensorFlow that takes a quarter of a second.
        gc.freeze()
        # Ctrl-C is how it ends.
        with contextlib.suppress(KeyboardInterrupt):
            server.run([listener])

    def _hosts(self) -> tuple[str, ...]:
        """Returns the names by which the server may be asked."""
        if self.host not in _LOOPBACK:
            return ()
        return ("127.0.0.1", "localhost", "[::1]")

    def _studio(self, store):
        """Returns what the page shows."""
        from tp_keras.server import SimilarPortraits
        from tp_keras.server import Studio
        from tp_keras.serving import PhotoPredictor

        predictor = PhotoPredictor(pathlib.Path(self.bundles, self.model))
        portraits = self._portraits()
        shape = predictor.schema.image_shape
        if portraits is not None and portraits.schema.image_shape != shape:
            portraits = None
        similar, report = None, None
        if portraits is not None:
            samples = portraits.images[:_SAMPLES]
            similar = SimilarPortraits.embed(portraits, predictor)
        else:
            samples = _drawn_samples(predictor)
        if self.run_dir is not None:
            report = pathlib.Path(self.run_dir, "report", "report.html")
            report = report if report.is_file() else None
        warn = _warner(self.run_dir, predictor)
        return Studio(predictor, store, samples, similar, report, warn)

    def _portraits(self):
        """Returns the test portraits of the run, None where there are none."""
        if self.run_dir is None:
            return None
        from tp_keras.data.source import load_portraits
        from tp_keras.runs.run_folder import RunFolder

        data = RunFolder(self.run_dir).require().config.data.first
        data_dir = self.data_dir or data.data_dir
        try:
            return load_portraits(data_dir, data.dataset, "test", data.storage)
        except UserError as error:
            print(f"No similar portraits: {error}", file=sys.stderr)
            return None


def _warner(run_dir, predictor):
    """Returns a function that tells what about a face is out of safe ranges."""
    from tp_keras.limits.axes import RESOLUTION
    from tp_keras.limits.safe_ranges import read_safe_ranges
    from tp_keras.limits.safe_ranges import warnings_of
    from tp_keras.serving.framing import generic_framing

    ranges = read_safe_ranges(run_dir) if run_dir else []
    framing = predictor.metadata.get("framing") or generic_framing()
    height = predictor.schema.image_shape[0]

    def warn(photo, face):
        if face.face is None:
            return []
        # So high is the portrait in the photo itself.
        pixels = face.face.box[3] * photo.scale / framing["box"]["size"]
        return warnings_of(ranges, **{RESOLUTION: min(pixels, height)})

    return warn


def _drawn_samples(predictor):
    """Returns synthetic portraits of the size that a bundle takes."""
    import numpy as np
    from PIL import Image

    data = predictor.metadata.get("settings", {}).get("data", {})
    name = data.get("dataset", "tiny_portraits")
    # Of several data sets the first.
    name = (name if isinstance(name, str) else name[0]).split("/")[0]
    height, width, _ = predictor.schema.image_shape
    prepare = data_set("building.prepare")
    try:
        drawn = prepare.find_builder_class(name).draw_samples(_SAMPLES)
    except (UserError, NotImplementedError):
        return np.zeros((0, *predictor.schema.image_shape), np.uint8)
    return np.stack(
        [
            np.asarray(Image.fromarray(np.asarray(one)).resize((width, height)))
            for one in drawn
        ]
    )


def _allow_connections():
    """Raises the limit of open connections as far as it goes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    run(Serve)
