"""The fields of a record, as those who measure make them."""

import math

from tp_keras.records import intervals


def share(metric: str, hits, count, **fields) -> dict:
    """Makes the fields of a record of a share, with Wilson's interval.

    Args:
        metric: What was measured.
        hits: How many rows are hits.
        count: How many rows there are; with 0 the figure is not defined.
        **fields: Further fields of the record.

    Example:
        >>> share("recall", 9, 10, class_name="gray")["value"]
        0.9
    """
    hits, count = int(hits), int(count)
    if not count:
        return figure(metric, None, 0, **fields)
    interval = intervals.wilson_interval(hits, count)
    return figure(metric, hits / count, count, interval, **fields)


def figure(metric: str, value, count, interval=(None, None), **fields) -> dict:
    """Makes the fields of a record, None for what no row counts for.

    Args:
        metric: What was measured.
        value: Float, or None or NaN where the figure is not defined.
        count: How many rows it rests on.
        interval: Lower and upper end of its 95 % interval.
        **fields: Further fields of the record.
    """
    if not count or value is None or math.isnan(value):
        value, interval = None, (None, None)
    return {
        "metric": metric,
        "value": None if value is None else float(value),
        "count": int(count),
        "low": interval[0],
        "high": interval[1],
        **fields,
    }


def resampled(metric: str, value, count, draws, **fields) -> dict:
    """Makes the fields of a record of a figure whose rows were resampled.

    One row alone has no interval: each draw is the same.

    Args:
        metric: What was measured.
        value: Float, or NaN where the figure is not defined.
        count: How many rows it rests on.
        draws: Float array [B]: the figure in each draw.
        **fields: Further fields of the record.
    """
    if count < 2 or math.isnan(value):
        return figure(metric, value, count, **fields)
    interval = intervals.percentile_interval(draws)
    return figure(metric, value, count, interval, **fields)
