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
# # Is hair judged without regard to gender?
#
# **Question.** A model that names hair, and finds portraits alike in it, should
# do so whoever wears it. Does it?
#
# **Method, and why.** Three things can go wrong, and each is measured. *Wrong
# answers*: a class is found less often in one group. *Gender in the numbers*:
# a probe, a small classifier, reads it from the part of the network that hair
# is read from. *Wrong neighbours*: a search for similar hair prefers the
# group of the query. Hair itself tells something of gender, which no method
# can remove; hence each figure stands beside what the labels alone give away,
# or beside what it is when groups are exchanged at random.

# %%
import here

# %%
from IPython.display import Image

from tp_keras.fairness.report import run_fairness_report
from tp_keras.records.report import read_report

# %%
records, folder = run_fairness_report(here.RUN_DIR, here.DATA_DIR, here.DATASET)
_, color, *_ = read_report(folder).sections
color.summary.frame

# %%
print(*color.sentences, sep="\n")

# %% [markdown]
# **Is each class recognised as often in every group?** Without regard to gender
# the marks of a row stand above each other, and the gray between them is
# narrow. Hollow marks rest on too few portraits to count.

# %%
Image(folder / color.plots[0].file_name, width=700)

# %% [markdown]
# **How much gender can be read from each layer?** Left among all portraits: the
# band is what the label itself gives away. Right among portraits of one class:
# there, guessing is all that it gives away.

# %%
Image(folder / "leakage_hair_color.png", width=700)

# %% [markdown]
# **Limits.** That these probes read no gender does not prove that nothing
# could. Few bald women and few men with long blond hair are there: a figure
# without support is no good news.
#
# **Next.** `python -m training.debias` removes what is too much from a trained
# run in seconds, `python -m training.fairness_sweep` compares eight methods in
# training and after it. Then this notebook, with the new run, tells what it
# cost.
