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
# # Does it work on other pictures?
#
# **Question.** All figures so far are of portraits like those that were
# learned from. What is left of them on pictures framed, lit and chosen by
# others, and on your own?
#
# **Method, and why.** The exported bundle, without the model's code, reads
# picture files as a server would. Then the run answers a data set that it has
# never seen, with the tasks that both have in common: the honest test of what
# a photo of yours may expect.

# %%
import here

# %%
from IPython.display import Image

from tp_keras.data.source import load_portraits
from tp_keras.evaluation.generalisation.run_generalisation import (
    run_generalisation,
)
from tp_keras.records.sheet import draw_sheet
from tp_keras.records.report import read_report
from tp_keras.serving import Predictor
from tp_keras.serving import find_pictures
from tp_keras.serving import format_table

# %% [markdown]
# **Files.** `PICTURES` is a folder of yours; without one it is a few test
# portraits. Behind each answer stands its probability.

# %%
predictor = Predictor(here.EXPORTED_MODELS / "portrait_attributes")
predictions = predictor.predict_files(find_pictures([here.PICTURES])[:6])
print(format_table(predictions, predictor.tasks))

# %% [markdown]
# **Portraits of another data set**, with a size and framing of its own:

# %%
others = load_portraits(here.DATA_DIR, here.OTHER_DATASET, "test[:6]")
draw_sheet(others.images, columns=6)

# %% [markdown]
# **What is left on them?** The loss is split in parts: the same pictures are
# framed like those of the training, then given their colours and light. What
# neither brings back is in the faces and labels themselves.

# %%
records, folder = run_generalisation(
    here.RUN_DIR, [here.OTHER_DATASET], here.DATA_DIR
)
overview, *parts = read_report(folder).sections
overview.summary.frame

# %%
print(*overview.sentences, sep="\n")

# %%
Image(folder / overview.plots[0].file_name, width=700)

# %% [markdown]
# **Limits.** Two data sets differ in more than framing and light: in who is
# shown, and in who labelled them and how. Nothing here should decide anything
# about a person, least of all on a picture unlike those that were learned from.
#
# **Next.** Portraits framed as the training's are read best; `python -m
# training.predict --images photo.jpg` finds the faces of a photograph and
# frames them so. To learn from both data sets is the honest cure.
