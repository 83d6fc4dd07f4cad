"""Figures of a trained classifier, overall and in each group, as records.

A *group* is `all` or a class of the protected task of the data set. Rows
without a label of a task never count for it. Tables and plots are made from
records alone, without the model or the data.
"""
