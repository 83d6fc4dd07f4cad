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
# # How well are hair colour and hair type told?
#
# **Question.** Which colours and types of hair are recognised, and which are
# taken for each other?
#
# **Method, and why.** Hair has more classes than gender, they are unequally
# frequent, and many portraits have no label. A missing label weighs nothing in
# training and in the figures: to call it a class would teach the network who
# labels, not what hair is. Balanced accuracy and macro-F1 count each class
# alike, so that a rare one is not drowned by black and brown.

# %%
import here

# %%
from IPython.display import Image

from tp_keras.evaluation.report import headline_table
from tp_keras.evaluation.run_evaluation import evaluate_run
from tp_keras.records.record import find

# %%
records, folder = evaluate_run(here.RUN_DIR, here.DATA_DIR, here.DATASET)
hair = find(records, task="hair_color") + find(records, task="hair_type")
headline_table(find(hair, group="all"))

# %% [markdown]
# **How many of each class are found?** A mark for each group; where they stand
# above each other, the class is found equally often in both. Hollow marks rest
# on few portraits.

# %%
Image(folder / "recall_hair_color.png", width=700)

# %%
Image(folder / "recall_hair_type.png", width=700)

# %% [markdown]
# **What is taken for what?** Rows are labels, columns answers.

# %%
Image(folder / "confusion_hair_color.png", width=800)

# %% [markdown]
# **Limits.** Colours have no sharp edges: light brown is dark blond, and light
# itself has a colour. Errors between neighbours are partly errors of labels,
# of which the [audit](data.ipynb) gives an estimate.
#
# **Next.** The plots show groups apart. Whether a difference is more than
# chance, and whether the network looks at gender to tell hair, is measured in
# [fairness](fairness.ipynb).
