import importlib.resources
import json
import re

import check_jsonschema.builtin_schemas
import jsonschema
import kubernetes_validate
import pytest
import yaml
from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
from google.protobuf import text_format
from google.protobuf import wrappers_pb2
from tensorflow_serving.config import model_server_config_pb2

from tp_keras.serving.prediction_log import BATCH_SIZES
from tp_keras.serving.server_files import configured_models
from tp_keras.serving.server_files import server_files
from tp_keras.serving.server_files import service_name
from tp_keras.serving.server_files import write_server_files

MODELS = ["portrait_attributes", "portrait_vae"]
FILES = server_files(MODELS)
FIELD = descriptor_pb2.FieldDescriptorProto


def message_class(package, name, fields):
    """Makes a protocol message whose descriptor no package ships.

    `fields` are pairs of a name and `bool`, `string`, `int64` (repeated) or
    the full name of a message. The text format knows no field numbers.
    """
    kinds = {"bool": FIELD.TYPE_BOOL, "string": FIELD.TYPE_STRING}
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{name}.proto",
        package=package,
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    messages = {}
    for path, kind in fields:
        owner, field_name = path.split(".")
        if owner not in messages:
            messages[owner] = file.message_type.add(name=owner)
        field = messages[owner].field.add(
            name=field_name,
            number=len(messages[owner].field) + 1,
            label=FIELD.LABEL_OPTIONAL,
        )
        if kind == "int64":
            field.type = FIELD.TYPE_INT64
            field.label = FIELD.LABEL_REPEATED
        elif kind in kinds:
            field.type = kinds[kind]
        else:
            field.type, field.type_name = FIELD.TYPE_MESSAGE, kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName(f"{package}.{name}")
    return message_factory.GetMessageClass(descriptor)


# tensorflow_serving/servables/tensorflow/session_bundle_config.proto.
BATCHING = message_class(
    "tensorflow.serving",
    "BatchingParameters",
    [
        *(
            (f"BatchingParameters.{name}", ".google.protobuf.Int64Value")
            for name in (
                *("max_batch_size", "batch_timeout_micros"),
                *("max_enqueued_batches", "num_batch_threads"),
            )
        ),
        ("BatchingParameters.allowed_batch_sizes", "int64"),
    ],
)
# tensorflow_serving/config/monitoring_config.proto.
MONITORING = message_class(
    "tensorflow.serving",
    "MonitoringConfig",
    [
        ("PrometheusConfig.enable", "bool"),
        ("PrometheusConfig.path", "string"),
        (
            "MonitoringConfig.prometheus_config",
            ".tensorflow.serving.PrometheusConfig",
        ),
    ],
)


def parse(message, name):
    return text_format.Parse(FILES[name], message())


def test_the_list_of_models():
    config = parse(model_server_config_pb2.ModelServerConfig, "models.config")
    for model, name in zip(
        config.model_config_list.config, MODELS, strict=True
    ):
        assert model.name == name
        # A server refuses a relative one.
        assert model.base_path == f"/models/{name}"
        assert model.model_platform == "tensorflow"
        assert model.model_version_policy.latest.num_versions == 2


def test_batches_are_of_sizes_that_a_version_is_warm_for():
    config = parse(BATCHING, "batching.config")
    sizes = list(config.allowed_batch_sizes)
    # What the server's own check wants of them.
    assert sizes == sorted(set(sizes)) == list(BATCH_SIZES)
    assert sizes[-1] == config.max_batch_size.value
    assert config.num_batch_threads.value == 2
    assert config.max_enqueued_batches.value == 2
    assert config.HasField("batch_timeout_micros")


def test_monitoring():
    config = parse(MONITORING, "monitoring.config").prometheus_config
    assert config.enable
    assert config.path == "/monitoring/prometheus/metrics"


def flags_in(words):
    """Returns the flags of a server, after checking how they are written."""
    pairs = [re.fullmatch(r"--(\w+)=(\S+)", word).groups() for word in words]
    flags = dict(pairs)
    assert len(flags) == len(pairs)
    assert flags["tensorflow_intra_op_parallelism"] == "1"
    assert flags["tensorflow_inter_op_parallelism"] == "-1"
    return flags


def check_files_in(flags):
    for name in ("model_config", "monitoring_config", "batching_parameters"):
        folder, file = flags[f"{name}_file"].rsplit("/", 1)
        assert folder == "/models" and file in FILES
    assert flags["enable_batching"] == "true"


def test_compose_by_its_schema():
    content = yaml.safe_load(FILES["compose.yaml"])
    schemas = importlib.resources.files(check_jsonschema.builtin_schemas)
    schema = json.loads((schemas / "vendor" / "compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)
    validator(schema).validate(content)
    service, balancer = content["services"].values()
    assert service["image"] == "tensorflow/serving:2.20.0"
    assert service["scale"] == 2
    check_files_in(flags_in(service["command"]))
    # One door, to nobody else's machine, and nothing is written.
    assert "ports" not in service
    assert balancer["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert [*balancer["depends_on"]] == [*content["services"]][:1]
    assert service["volumes"] == [".:/models:ro"]
    assert balancer["volumes"] == ["./balancer.conf:/etc/nginx/nginx.conf:ro"]
    with pytest.raises(jsonschema.ValidationError):
        service["imagine"] = service.pop("image")
        validator(schema).validate(content)


def test_deployment_by_the_schemas_of_kubernetes():
    documents = [*yaml.safe_load_all(FILES["deployment.yaml"])]
    assert [d["kind"] for d in documents] == ["Deployment", "Service"]
    for document in documents:
        kubernetes_validate.validate(document, "1.33", strict=True)
    deployment, service = documents
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "tensorflow/serving:2.20.0"
    check_files_in(flags_in(container["args"]))
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    for port in service["spec"]["ports"]:
        assert ports[port["targetPort"]] == port["port"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels


def test_kserve_by_rules_of_our_own():
    """By hand: KServe's Python package does not install beside TensorFlow."""
    services = [*yaml.safe_load_all(FILES["kserve.yaml"])]
    assert len(services) == len(MODELS)
    for service, model in zip(services, MODELS, strict=True):
        assert service.keys() == {"apiVersion", "kind", "metadata", "spec"}
        assert service["apiVersion"] == "serving.kserve.io/v1beta1"
        assert service["kind"] == "InferenceService"
        # A DNS label, from which the name of a host is made.
        name = service["metadata"].pop("name")
        assert re.fullmatch("[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name)
        assert name == service_name(model) and not service["metadata"]
        predictor = service["spec"].pop("predictor")
        assert not service["spec"]
        assert predictor.pop("minReplicas") == 2
        assert predictor.pop("maxReplicas") == 4
        assert predictor.keys() == {"model"}
        facts = predictor["model"]
        assert facts.pop("modelFormat") == {
            "name": "tensorflow",
            "version": "2",
        }
        assert facts.pop("protocolVersion") == "v1"
        assert facts.pop("runtimeVersion") == "2.20.0"
        assert facts.pop("storageUri") == f"pvc://exported-models/{model}"
        assert len(flags_in(facts.pop("args"))) == 2
        pod = {
            "name": "kserve-container",
            "image": "any",
            "resources": facts.pop("resources"),
            "readinessProbe": facts.pop("readinessProbe"),
            "livenessProbe": facts.pop("livenessProbe"),
        }
        for probe in ("readinessProbe", "livenessProbe"):
            # --rest_api_port of KServe's runtime.
            assert pod[probe]["tcpSocket"] == {"port": 8080}
        kubernetes_validate.validate(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "any"},
                "spec": {"containers": [pod]},
            },
            "1.33",
            strict=True,
        )
        assert not facts


def test_names_of_services():
    assert service_name("portrait_attributes") == "portrait-attributes"
    assert service_name("_My Model.2_") == "my-model-2"


def test_odd_names_of_folders(tmp_path):
    name = 'a "quoted" \\ name'
    for part in (name, "mine"):
        (tmp_path / part / "3").mkdir(parents=True)
        (tmp_path / part / "3" / "saved_model.pb").touch()
    # What is no model.
    (tmp_path / "empty" / "1").mkdir(parents=True)
    (tmp_path / "notes" / "old").mkdir(parents=True)
    (tmp_path / "notes" / "old" / "saved_model.pb").touch()
    written = write_server_files(tmp_path)
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == set(written)
    assert configured_models(tmp_path) == {
        name: f"/models/{name}",
        "mine": "/models/mine",
    }
    text = (tmp_path / "kserve.yaml").read_text()
    uris = [
        document["spec"]["predictor"]["model"]["storageUri"]
        for document in yaml.safe_load_all(text)
    ]
    assert uris == [
        f"pvc://exported-models/{name}",
        "pvc://exported-models/mine",
    ]
