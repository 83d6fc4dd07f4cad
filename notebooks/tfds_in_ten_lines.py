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
# # The data in ten lines of TFDS
#
# **Question.** What does a user of TensorFlow Datasets have to know to read
# these portraits?
#
# **Method, and why.** Nothing of this project: once built, the files describe
# themselves, with splits, names of classes and the shape of the pictures.

# %%
import here

# %%
import tensorflow_datasets as tfds

builder = tfds.builder(here.DATASET, data_dir=here.DATA_DIR)
portraits = builder.as_dataset(split="train", shuffle_files=True)
builder.info.features

# %% [markdown]
# A few of them, by names; -1 stands for a label that the source does not have.

# %%
tfds.as_dataframe(portraits.take(5), builder.info)

# %% [markdown]
# **Limits.** The splits are made by people, so that nobody is in two of them:
# `train[:80%]` of your own would be as well, a shuffled mixture of splits not.
#
# **Next.** [A Keras training script in ten lines](keras_in_ten_lines.ipynb).
