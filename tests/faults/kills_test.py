"""Trainings that are killed at a system call end as if they never had been."""

import shutil

import pytest

from tests.faults.kit import TALLY
from tests.faults.kit import Job
from tests.faults.kit import chosen
from tests.faults.kit import kill_and_resume
from tests.faults.kit import tell
from tests.faults.kit import writing_calls

pytestmark = pytest.mark.large

TINY = ("--dataset", "tiny_portraits/synthetic_tiny")
KEPT = ("model.keras", "history.csv")


def make_jobs(data_dir):
    """Returns the jobs by name, and how many kills each gets."""
    data = (*TINY, "--data_dir", str(data_dir))
    train = (
        *("training.train", "demo", *data, "--run_dir", "{out}"),
        *("--backbone", "portrait_xs", "--averaging", "0.9"),
        *("--epochs", "3"),
    )
    debias = (*train, "--debias", "conditional_grl", "--debias_scope", "branch")
    vae = (
        *("training.train_vae", "smoke", *data, "--run_dir", "{out}"),
        *("--preset", "likelihood", "--half_epochs", "1", "--full_epochs", "1"),
        *("--latent_size", "8", "--prior", "standard_normal"),
    )
    return {
        "training": (Job("training", train, KEPT), 16),
        "debiasing": (
            Job("debiasing", debias, (*KEPT, "trained.keras")),
            8,
        ),
        "generator": (Job("generator", vae, KEPT), 8),
    }


@pytest.mark.parametrize("name", ["training", "debiasing", "generator"])
def test_a_killed_training_ends_as_without_a_kill(
    name, tiny_data_dir, tmp_path, request
):
    job, count = make_jobs(tiny_data_dir)[name]
    whole, kind = tmp_path / "whole", f"kills at a system call, {name}"
    calls = writing_calls(job, whole)
    expected = job.outcome(whole)
    for number, call in enumerate(chosen(calls, count)):
        out = tmp_path / f"run{number}"
        tell(kind, call, kill_and_resume(job, out, call, expected))
        shutil.rmtree(out, ignore_errors=True)
    assert [fault for _, fault in TALLY[kind] if fault] == []
