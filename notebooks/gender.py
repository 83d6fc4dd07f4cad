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
# # How well is gender told?
#
# **Question.** How often does a small network, made for a CPU, tell the
# (apparent) gender of a face of 108x84 pixels?
#
# **Method, and why.** One network answers all tasks: they share what a face
# is, and one pass is cheaper than three. It is judged on the test split, which
# neither training nor the choice of the best epoch has seen. Accuracy hides a
# class that is rarely right, so that balanced accuracy and the recall of each
# class stand beside it.

# %%
import here

# %%
from IPython.display import Image

from tp_keras.evaluation.report import headline_table
from tp_keras.evaluation.run_evaluation import evaluate_run
from tp_keras.records.record import find

# %%
records, folder = evaluate_run(here.RUN_DIR, here.DATA_DIR, here.DATASET)
headline_table(find(records, task="gender", group="all"))

# %% [markdown]
# The brackets hold 95 % intervals: repeated with other portraits of the same
# kind, the figure would fall into them 19 times out of 20.
#
# **What is taken for what?** Each row is a label, each column an answer.

# %%
Image(folder / "confusion_gender.png", width=450)

# %% [markdown]
# **Do the probabilities mean what they say?** On the dashed line confidence and
# accuracy agree; below it the network is too sure of itself.

# %%
Image(folder / "reliability_gender.png", width=450)

# %% [markdown]
# **Limits.** The label is how somebody appeared to those who labelled the
# portrait, in two classes; the figure says nothing of how people see
# themselves. It holds for portraits framed as these are.
#
# **Next.** The same network tells [hair](hair.ipynb). Whether gender plays a
# part there, which it should not, is the question of
# [fairness](fairness.ipynb).
