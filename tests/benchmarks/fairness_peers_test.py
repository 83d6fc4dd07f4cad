import numpy as np
import pytest

from benchmarks import fairlearn_peers
from benchmarks import peer_tables
from benchmarks.embedded_rows import EmbeddedRows
from benchmarks.fairness_peers import FairnessPeers
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.runs.run_folder import RunFolder

TASK = HAIR_TYPE


def embedded_rows(count=600, seed=0):
    """Returns rows whose features tell gender, beside the class."""
    generator = np.random.default_rng(seed)
    groups = generator.integers(0, 2, count)
    labels = generator.integers(0, 2, count) + (
        groups & (generator.random(count) < 0.3)
    )
    features = generator.normal(size=(count, 6))
    features[:, :3] += 2 * np.eye(3)[labels]
    features[:, 3] += 2 * groups
    predictions = features[:, :3].argmax(-1)
    labels[::9] = -1
    return EmbeddedRows(features, labels, groups, predictions)


def test_correlation_remover_needs_the_gender_it_removes():
    rows = embedded_rows()
    erase = fairlearn_peers.GroupCorrelationRemover(rows.features, rows.groups)
    erased = erase(rows.features, rows.groups)
    covariance = np.cov(np.column_stack([erased, rows.groups]).T)[:-1, -1]
    np.testing.assert_allclose(covariance, 0, atol=1e-12)
    assert np.abs(erased - rows.features).max() > 0.5
    unknown = np.full(len(rows.groups), rows.groups.mean())
    np.testing.assert_allclose(
        erase(rows.features, unknown), rows.features, atol=1e-12
    )


def test_frame_and_ours_agree_but_for_groups_without_rows(capsys):
    rows = embedded_rows()
    peers = peer_tables.PeerTables(TASK, GENDER, rows, rows, FairnessSettings())
    peers.print_figures(num_bootstraps=2)
    printed = capsys.readouterr().out
    # There is no bald woman, and fairlearn says that none of them is found.
    assert "| group_recall | bald female | 0.000 | not supported (n = 0) |" in (
        printed
    )
    assert "| equalized_odds_difference_max | bald | 0.9" in printed
    assert (
        "agree to 1e-9 in 1 accuracy_gap, 2 accuracy, 5 group_recall" in printed
    )


def test_peers_refuse_what_is_said_of_them():
    rows = embedded_rows()
    known = rows.chosen(rows.labelled)
    answers = fairlearn_peers.attempts(
        TASK, known.features, known.labels, known.groups
    )
    assert len(answers) == 6
    for name, answer in answers.items():
        assert answer.startswith("ValueError: "), (name, answer)


def test_erasers_are_told_of_gender_only_where_they_say_so():
    rows = embedded_rows()
    for name, (erase, asks, _) in peer_tables.fit_erasers(rows).items():
        erased = erase(rows.features, rows.groups)
        other = erase(rows.features, 1 - rows.groups)
        assert (np.abs(erased - other).max() > 1e-6) == asks, name
        gender = np.corrcoef(erased[:, 3], rows.groups)[0, 1]
        # What the class tells of gender stays, where it is meant to.
        assert (abs(gender) < 0.25) == (name != "none"), name


@pytest.mark.large
def test_prints_what_erasers_leave(capsys):
    rows = embedded_rows()
    settings = FairnessSettings(min_count=30, probe_seeds=1, probe_folds=2)
    peers = peer_tables.PeerTables(TASK, GENDER, rows, rows, settings)
    peers.print_erasers()
    printed = capsys.readouterr().out
    for name in ("none", "fairlearn CorrelationRemover", "conditional LEACE"):
        for layer in ("plain", "balanced"):
            (line,) = (
                line
                for line in printed.splitlines()
                if line.startswith(f"| {name} |") and f"| {layer} |" in line
            )
            probe = float(line.split("|")[4])
            assert (probe > 0.7) == (name == "none"), line


def test_unknown_task_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(RunFolder, "require", lambda run: run)
    monkeypatch.setattr(RunFolder, "schema", SCHEMA)
    with pytest.raises(UserError, match="hair_color, hair_type. Received"):
        FairnessPeers(run_dir=tmp_path, task="gender").execute()


@pytest.mark.large
@pytest.mark.parametrize("softmax", [False, True])
def test_adversary_predicts_classes(softmax):
    rows = embedded_rows()
    known = rows.chosen(rows.labelled)
    predictions, seconds = fairlearn_peers.adversary_predictions(
        known, rows.features, epochs=5, alpha=1.0, softmax=softmax, seed=0
    )
    assert predictions.shape == rows.labels.shape
    assert set(predictions) <= {0, 1, 2}
    assert seconds > 0
