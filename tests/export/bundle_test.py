import errno
import os
import stat

import numpy as np
import pytest
import tensorflow as tf

from tests.export.networks import EMBEDDING_SIZE
from tests.export.networks import TinyClassifier
from tests.export.networks import random_portraits
from tp_keras.errors import UserError
from tp_keras.export import bundle as bundle_lib
from tp_keras.export import bundle_size
from tp_keras.export import export_bundle
from tp_keras.export import read_metadata
from tp_keras.serving import CSession
from tp_keras.serving import check_bundle
from tp_keras.serving import check_parity


@pytest.fixture(scope="module")
def classifier():
    return TinyClassifier()


@pytest.fixture(scope="module")
def bundle(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported_models")
    return export_bundle(classifier, folder, metadata={"figures": [1, 2]})


@pytest.fixture
def quick_save(monkeypatch):
    """Writes a stand-in for the graph, where only the files matter."""

    def save(module, folder, signatures):
        with open(os.path.join(folder, "saved_model.pb"), "wb") as file:
            file.write(b"graph")

    monkeypatch.setattr(tf.saved_model, "save", save)


def test_agrees_with_keras_through_the_c_api(bundle, classifier):
    check_bundle(bundle)
    images = random_portraits(5)
    assert check_parity(bundle, classifier.model, images) < 1e-4


@pytest.mark.parametrize("count", [1, 3])
def test_outputs(bundle, count):
    with CSession(bundle) as session:
        outputs = session.run(
            "serving_default", {"image": random_portraits(count)}
        )
        embedding = session.run("embed", {"image": random_portraits(count)})
    assert {k: v.shape for k, v in outputs.items()} == {
        "gender": (count, 2),
        "gender_label": (count,),
        "hair_color": (count, 5),
        "hair_color_label": (count,),
        "hair_type": (count, 3),
        "hair_type_label": (count,),
    }
    for task in ("gender", "hair_color", "hair_type"):
        assert outputs[task].dtype == np.float32
        np.testing.assert_allclose(outputs[task].sum(axis=1), 1.0, rtol=1e-5)
    assert embedding["hair_embedding"].shape == (count, EMBEDDING_SIZE)


def test_bytes_and_tensors_get_the_same_answer(bundle):
    images = random_portraits(3)
    files = [tf.io.encode_png(image).numpy() for image in images]
    with CSession(bundle) as session:
        expected = session.run("serving_default", {"image": images})
        found = session.run("serve_bytes", {"image_bytes": files})
    assert found.pop("valid").all()
    for name, values in expected.items():
        if values.dtype == object:
            assert found[name].tolist() == values.tolist()
        else:
            np.testing.assert_allclose(found[name], values, atol=1e-6)


def test_a_bad_image_alone_gets_zeros_and_no_label(bundle):
    with CSession(bundle) as session:
        outputs = session.run("serve_bytes", {"image_bytes": [b"no image"]})
    assert outputs["valid"].tolist() == [False]
    assert outputs["gender"].tolist() == [[0.0, 0.0]]
    assert outputs["gender_label"].tolist() == [b""]


def test_weights_are_stored_once_and_not_as_variables(bundle, classifier):
    weights = 4 * classifier.model.count_params()
    graph = tf.saved_model.load(str(bundle)).signatures["serving_default"]
    assert not graph.variables
    # A second copy of a constant kernel would show.
    data = (bundle / "saved_model.pb").read_bytes()
    kernel = np.concatenate(
        [w.ravel() for w in classifier.model.layers[-1].get_weights()[:1]]
    ).tobytes()
    assert data.count(kernel) == 1
    assert bundle_size(bundle) > weights


def test_metadata(bundle, classifier):
    metadata = read_metadata(bundle)
    assert metadata["tasks"][0] == {
        "name": "gender",
        "classes": ["female", "male"],
    }
    assert metadata["input"]["image"] == ["batch", 108, 84, 3]
    assert metadata["signatures"] == ["embed", "serve_bytes", "serving_default"]
    assert metadata["figures"] == [1, 2]
    assert metadata["versions"]["tensorflow"] == tf.__version__


def test_without_hair_tasks_there_is_no_embedding(tmp_path):
    classifier = TinyClassifier(with_embedding=False)
    bundle = export_bundle(classifier, tmp_path, check=check_parity_of(None))
    check_bundle(bundle)
    assert "embed" not in read_metadata(bundle)["signatures"]


def check_parity_of(error):
    def check(folder):
        assert not folder.name.isdecimal()
        assert (folder / "metadata.json").is_file()
        if error:
            raise error

    return check


def test_versions_count_up(classifier, tmp_path, quick_save):
    names = [export_bundle(classifier, tmp_path).name for _ in range(2)]
    assert names == ["1", "2"]
    assert export_bundle(classifier, tmp_path, version=10).name == "10"
    assert export_bundle(classifier, tmp_path).name == "11"
    (tmp_path / "portrait_attributes" / "99_notes").mkdir()
    assert export_bundle(classifier, tmp_path).name == "12"


def test_a_version_is_never_overwritten(classifier, tmp_path, quick_save):
    export_bundle(classifier, tmp_path)
    with pytest.raises(UserError, match="Received: version=1"):
        export_bundle(classifier, tmp_path, version=1)


def test_a_version_taken_meanwhile_is_left_alone(
    classifier, tmp_path, quick_save
):
    def overtake(folder):
        (folder.parent / "1").mkdir()
        (folder.parent / "1" / "saved_model.pb").write_text("other")

    # The number is chosen when it is needed, not before the long writing.
    bundle = export_bundle(classifier, tmp_path, check=overtake)
    assert bundle.name == "2"
    assert (bundle.parent / "1" / "saved_model.pb").read_text() == "other"


def test_others_may_read_it(classifier, tmp_path, quick_save):
    umask = os.umask(0o022)
    try:
        bundle = export_bundle(classifier, tmp_path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        UserError("differs"),
        KeyboardInterrupt(),
    ],
    ids=["full_disk", "check", "interrupt"],
)
def test_a_failure_leaves_nothing(classifier, tmp_path, quick_save, error):
    with pytest.raises(type(error)):
        export_bundle(classifier, tmp_path, check=check_parity_of(error))
    assert list((tmp_path / "portrait_attributes").iterdir()) == []


def test_a_full_disk_while_writing_leaves_nothing(
    classifier, tmp_path, monkeypatch
):
    def save(module, folder, signatures):
        with open(os.path.join(folder, "saved_model.pb"), "wb") as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(bundle_lib.tf.saved_model, "save", save)
    with pytest.raises(OSError, match="No space left"):
        export_bundle(classifier, tmp_path)
    assert list((tmp_path / "portrait_attributes").iterdir()) == []
