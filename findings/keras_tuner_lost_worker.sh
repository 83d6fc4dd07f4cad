#!/usr/bin/env bash
# keras-tuner 1.4.8: a chief waits for a lost worker for ever.
#
# Who asks a chief (KERASTUNER_TUNER_ID=chief) for a trial has it until it ends
# it: no sign of life is asked for, and no other worker gets the trial, not even
# when nothing else is left. The others are told to stop, and leave; the chief
# ends once no trial is under way, which never comes (`exit_chief`). Only a
# worker of the same name would be given the trial again.
#
# Of a failed trial the chief doesn't learn why: a trial's `message` has no place
# in what is sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras-tuner==1.4.8 keras==3.15.1 \
    tensorflow==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief
from keras_tuner.src.engine.trial import Trial

hyperparameters = keras_tuner.HyperParameters()
hyperparameters.Float("rate", 0.0, 1.0)
oracle = keras_tuner.oracles.RandomSearchOracle(
    objective=keras_tuner.Objective("score", "max"),
    max_trials=3,
    hyperparameters=hyperparameters,
    seed=1,
)
oracle.verbose = 0
oracle._set_project_dir(sys.argv[1], "search")
# The chief's answers, called rather than sent.
chief, messages = oracle_chief.OracleServicer(oracle), protos.get_service()


def ask(worker):
    request = messages.CreateTrialRequest(tuner_id=worker)
    return Trial.from_proto(chief.CreateTrial(request, None).trial)


def end(trial, status, message=None):
    trial.status, trial.message = status, message
    chief.EndTrial(messages.EndTrialRequest(trial=trial.to_proto()), None)


lost, good, bad = (ask(name) for name in ("lost", "good", "bad"))
chief.UpdateTrial(
    messages.UpdateTrialRequest(
        trial_id=good.trial_id, metrics={"score": 0.3}
    ),
    None,
)
end(good, "COMPLETED")
end(bad, "FAILED", "no memory")
found = {
    "worker that asks for more": ask("good").status,
    "worker that joins": ask("new").status,
    "under way": {
        name: trial.trial_id for name, trial in oracle.ongoing_trials.items()
    },
    "chief may end": oracle_chief.exit_chief(oracle),
    "worker of the same name": ask("lost").trial_id,
    "message": oracle.get_trial(bad.trial_id).message,
}
for name, seen in found.items():
    print(f"{name}: {seen}")
if list(found.values()) != [
    *("STOPPED", "STOPPED", {"lost": lost.trial_id}, False, lost.trial_id),
    None,
]:
    raise SystemExit("Changed: what becomes of a lost worker, or of a report.")
PYTHON
echo "As described."
