"""What a run folder says of itself."""

# To be filled with the status, the path in quotes and the next commands.
README = """# A training run of tp_keras

{status}

| file | what it holds |
|---|---|
| `config.json` | every setting |
| `run.json` | versions, fingerprints of the data, progress, status |
| `history.csv` | losses and accuracies, a row for each epoch |
| `model.keras` | the trained classifier |
| `trained.keras` | the same before its guarded layers were debiased, if so |
| `tensorboard/` | the history for `tensorboard --logdir {quoted_path}` |
| `backup/` | the states after the last two epochs, while training runs |
| `evaluation/` | figures, tables and plots of `training.evaluate` |
| `fairness.html` | the report of `training.fairness_report` |
| `report/` | cards and one page of all that was found, of `training.report` |

Evaluate it: `{evaluate}`
Export it: `{export}`
"""
