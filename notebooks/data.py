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
# # What is peculiar about the data?
#
# **Question.** Before anything is trained: are the classes balanced, do labels
# go together, are there copies, ruined pictures, wrong labels?
#
# **Method, and why.** An audit looks at every portrait of all splits once.
# What it says is made from figures with intervals, so that "peculiar" means
# more than "it looked odd": a sentence appears only where chance does not
# explain it. Labels are judged by their counts, pictures by their pixels, and
# what is unusual is shown rather than thrown out.

# %%
import here

# %%
from IPython.display import Image

from tp_keras.audit.audit import run_audit

# %% [markdown]
# **What is peculiar**, the most surprising first. Numbers in brackets are 95 %
# intervals.

# %%
sentences, page = run_audit(
    here.DATA_DIR, here.DATASET, here.OUTPUT_DIR / "audit"
)
print(*sentences, sep="\n")

# %% [markdown]
# **Which classes go together?** 1 is what independent labels give. Red cells
# are more frequent than that, blue ones rarer.

# %%
Image(page.with_name("balance_lifts.png"))

# %% [markdown]
# **What does each group look like on the average?** The faces are aligned, so
# that what a mean shows clearly, most of them have in the same place. Below:
# how often each brightness of red, green and blue occurs.

# %%
Image(page.with_name("mean_faces_gender.png"), width=450)

# %% [markdown]
# **Limits.** Labels are taken as they are: how a face appeared to those who
# labelled it. An audit finds what its checks look for, and that two labels go
# together says nothing of why.
#
# **Next.** `audit.html`, which was written beside these figures, has all
# tables and galleries. Where hair goes with gender, a classifier may take one
# for the other: [gender](gender.ipynb) and [hair](hair.ipynb) measure how well
# it does, [fairness](fairness.ipynb) whether it does so for everybody.
