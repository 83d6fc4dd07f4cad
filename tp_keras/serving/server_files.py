"""The files beside the bundles that a server is started with.

`models.config`, `batching.config` and `monitoring.config` are read by
TensorFlow Serving; `compose.yaml`, `deployment.yaml` and `kserve.yaml` start
replicas of it on them, the first behind nginx with `balancer.conf`.
"""

import pathlib
import re
import shlex

import jinja2

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.files import write_text
from tp_keras.serving.prediction_log import BATCH_SIZES

VERSION = "2.20.0"
IMAGE = f"tensorflow/serving:{VERSION}"
_BALANCER_IMAGE = "nginx:1.28"
_MODELS_FILE = "models.config"
_COMPOSE_FILE = "compose.yaml"

_CHECK = "tp_keras.serving.check"

# Where a container sees the folder of all exported models.
MOUNT = "/models"

# So that one may end, or be exchanged, while another answers.
_REPLICAS = 2

# What is reserved for a server, and the threads that run batches.
_PROCESSORS = 2

# Networks this small are fastest on one thread. Less than none between the
# operations stands for the thread that brings the request: with one all
# requests would wait for the same thread, and one processor would do it all.
_THREADS = (
    "--tensorflow_intra_op_parallelism=1",
    "--tensorflow_inter_op_parallelism=-1",
)
_FLAGS = (
    f"--model_config_file={MOUNT}/{_MODELS_FILE}",
    "--model_config_file_poll_wait_seconds=60",
    f"--monitoring_config_file={MOUNT}/monitoring.config",
    "--enable_batching=true",
    f"--batching_parameters_file={MOUNT}/batching.config",
    *_THREADS,
)
_TEMPLATES = pathlib.Path(__file__).with_name("templates")


def write_server_files(models_dir) -> tuple[str, ...]:
    """Writes all files for the bundles in `models_dir`, and returns the names.

    Each takes its place whole. Of two exports at once the later one to write
    knows the bundles of both.
    """
    models_dir, written = pathlib.Path(models_dir), None
    while written != (models := model_names(models_dir)):
        files = server_files(models)
        for name, text in files.items():
            write_text(models_dir / name, text)
        written = models
    return tuple(files)


def describe_server_files(models_dir) -> str:
    """Returns what lies beside the bundles, how to check it and to serve it."""
    return (
        f"For a server, in {models_dir}: {', '.join(server_files(()))}\n"
        f"Check: {command_line(_CHECK, str(models_dir))}\n"
        f"Serve: {serve_command(models_dir)}"
    )


def serve_command(models_dir) -> str:
    """Returns the command that serves all bundles of a folder."""
    compose = str(pathlib.Path(models_dir) / _COMPOSE_FILE)
    return shlex.join(["docker", "compose", "-f", compose, "up"])


def server_files(models) -> dict[str, str]:
    """Returns the text of each file by its name, for models of some names."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["service_name"] = service_name
    return {
        name.removesuffix(".j2"): environment.get_template(name).render(
            models=models,
            image=IMAGE,
            balancer_image=_BALANCER_IMAGE,
            replicas=_REPLICAS,
            version=VERSION,
            mount=MOUNT,
            flags=_FLAGS,
            threads=_THREADS,
            processors=_PROCESSORS,
            batch_sizes=BATCH_SIZES,
        )
        for name in environment.list_templates()
    }


def model_names(models_dir) -> list[str]:
    """Returns the names of the bundles in a folder: those with a version."""
    found = pathlib.Path(models_dir).glob("*/*/saved_model.pb")
    return sorted(
        {file.parts[-3] for file in found if file.parts[-2].isdecimal()}
    )


def configured_models(models_dir) -> dict[str, str]:
    """Returns the folder of each model that `models.config` names.

    Raises:
        UserError: If the file is not there, or no configuration of a server.
    """
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    path = pathlib.Path(models_dir) / _MODELS_FILE
    config = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(path.read_text(), config)
    except (OSError, ValueError, text_format.ParseError) as error:
        raise UserError(
            f"The server's list of models cannot be read ({error}). Export "
            f"again, which writes it. Received: {path}"
        ) from error
    models = config.model_config_list.config
    return {model.name: model.base_path for model in models}


def service_name(model: str) -> str:
    """Returns the name of a model's service, of letters, digits and `-`.

    Example:
        >>> service_name("portrait_attributes")
        'portrait-attributes'
    """
    return re.sub("[^a-z0-9]+", "-", model.lower()).strip("-")
