# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Can new portraits be drawn to order?
#
# **Question.** Draw somebody who does not exist, with a given gender, hair
# colour and hair type. Does the portrait show what was asked for?
#
# **Method, and why.** A conditional variational autoencoder: of all generators
# the one that a CPU trains in minutes, and that also encodes, so that a real
# portrait can be changed. Critics, which tell drawn portraits from real ones,
# teach it to draw new ones from noise. It is judged by a classifier: if that
# one sees what was asked for, the portrait shows it.

# %%
import here

# %%
import numpy as np

from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.evaluation.report import headline_table
from tp_keras.records.sheet import draw_sheet
from tp_keras.records.record import find
from tp_keras.runs.run_folder import RunFolder
from tp_keras.serving.portrait_generator import PortraitGenerator

# %%
generator = PortraitGenerator.load(here.EXPORTED_MODELS / "portrait_vae")
classifier = RunFolder(here.RUN_DIR).require().load_model()

# %% [markdown]
# **Portraits with blond hair**, the first seven of each gender, not chosen. A
# temperature below 1 stays closer to the middle of what the model knows.

# %%
blond = {"gender": ["female"] * 7 + ["male"] * 7, "hair_color": "blond"}
images = generator.generate(blond, seeds=range(14), temperature=0.8)
draw_sheet(images, columns=7)

# %% [markdown]
# **The same people with other hair.** A seed and its labels settle a portrait:
# the rows below have the same seeds.

# %%
colors = ["black"] * 7 + ["gray"] * 7
seeds = [*range(7)] * 2
draw_sheet(generator.generate({"hair_color": colors}, seeds), columns=7)

# %% [markdown]
# **Do they show what was asked for?** Accuracy of the classifier on 400 drawn
# portraits, with what was asked for as label.

# %%
asked = {"gender": ["female", "male"] * 200}
drawn = generator.generate(asked, seeds=range(400))
answers = {"gender": classifier.predict_answers(drawn)["gender"]}
records = evaluate_predictions(
    answers,
    {"gender": np.tile([0, 1], 200)},
    classifier.schema.restricted_to(answers),
    seed=0,
    split="drawn",
)
headline_table(find(records, group="all"))

# %% [markdown]
# **Limits.** The portraits are not sharp: any small network tells them from
# real ones. The judge here is the classifier that the generator may have
# looked through in its training, and so a friendly one.
#
# **Next.** `python -m training.evaluate_vae` trains a judge on other portraits,
# and measures how various the portraits are, what they are worth as training
# data, and whether any was copied. `python -m training.edit` changes portraits
# of yours.
