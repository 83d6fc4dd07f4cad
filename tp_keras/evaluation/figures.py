"""The fields of a record, as those who measure make them."""

import math

import numpy as np

from tp_keras.records import intervals


def share(metric: str, hits, count, **fields) -> dict:
    """Makes the fields of a record of a share, with Wilson's interval.

    Without a row the figure is not defined. `fields` are further ones.
    """
    hits, count = int(hits), int(count)
    if not count:
        return figure(metric, None, 0, **fields)
    interval = intervals.wilson_interval(hits, count)
    return figure(metric, hits / count, count, interval, **fields)


def resampled(metric: str, value, count, draws, **fields) -> dict:
    """Makes the fields of a record of a figure whose rows were resampled.

    `draws` are a float array [B], the figure in each draw. One row alone has
    no interval: each draw is the same.
    """
    if count < 2 or math.isnan(value) or np.isnan(draws).all():
        return figure(metric, value, count, **fields)
    interval = intervals.percentile_interval(draws)
    return figure(metric, value, count, interval, **fields)


def figure(metric: str, value, count, interval=(None, None), **fields) -> dict:
    """Makes the fields of a record, None (or NaN) for what is not defined."""
    if not count or value is None or math.isnan(value):
        value, interval = None, (None, None)
    value, (low, high) = None if value is None else float(value), interval
    numbers = {"value": value, "count": int(count), "low": low, "high": high}
    return {"metric": metric, **numbers, **fields}
