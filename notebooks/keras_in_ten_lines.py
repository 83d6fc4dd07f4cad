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
# # A Keras training script in ten lines
#
# **Question.** What does it take to train a classifier of all tasks, with
# losses that skip missing labels, in plain Keras?
#
# **Method, and why.** The data set tells its schema: tasks, classes, image
# size. Backbone and heads are made from it, `compile` knows the losses and
# metrics, and everything else is `fit`: no trainer to learn, and a data set of
# yours runs through the same ten lines.

# %%
import here

# %%
import keras
import pandas as pd
import tensorflow_datasets as tfds

from tp_keras.data.examples import labelled_image
from tp_keras.data.schema import read_schema
from tp_keras.models import PortraitClassifier
from tp_keras.models import create_backbone

# %%
keras.utils.set_random_seed(1)
builder = tfds.builder(here.DATASET, data_dir=here.DATA_DIR)
train, test = builder.as_dataset(split=["train[:30%]", "test"])
schema = read_schema(builder)
backbone = create_backbone("portrait_s", schema.image_shape)
classifier = PortraitClassifier(backbone, schema)
classifier.compile(keras.optimizers.AdamW(3e-3))
pairs = train.map(lambda row: labelled_image(row, schema)).cache()
history = classifier.fit(pairs.shuffle(3000).batch(64), epochs=3, verbose=2)

# %% [markdown]
# **How good is it?** Losses and metrics of each task on portraits that it has
# not seen.

# %%
pairs = test.map(lambda row: labelled_image(row, schema))
figures = classifier.evaluate(pairs.batch(64), return_dict=True, verbose=0)
pd.Series(figures).round(3)

# %% [markdown]
# **Limits.** Three short epochs on a part of the data, to be done before the
# coffee is; numbers without intervals. `python -m training.train` adds what a
# serious run needs: augmentation, a schedule, the best epoch, resuming.
#
# **Next.** [Gender](gender.ipynb) and [hair](hair.ipynb) show what a whole run
# reaches.
