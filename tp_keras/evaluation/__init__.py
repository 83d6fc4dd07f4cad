"""Figures of a trained classifier, overall and in each group, as records.

* A *record* is one figure: its metric, task, group, value, the number of rows
  that it rests on and a 95 % interval (`tp_keras.records.record`).
* A *group* is `all` or a class of the protected task of the data set.
* Rows without a label of a task never count for that task.

Tables and plots are made from records and from nothing else, so each figure
can be made again, compared and averaged without the model or the data.
"""
