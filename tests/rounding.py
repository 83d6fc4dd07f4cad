"""How far a float32 may be from the number itself, on any processor."""

# Half of the distance from 1 to the next float32.
UNIT = 2.0**-24


def float32_error(terms, scale):
    """Bounds the error of a sum of products in float32, in whatever order.

    A sum of `n` products is off by at most `n u` times the sum of their
    absolute values (Higham, Accuracy and Stability of Numerical Algorithms,
    2002, section 3.1). As roundings are as often up as down, `6 sqrt(n) u`
    holds but for one sum in ten million (Higham & Mary, A New Approach to
    Probabilistic Rounding Error Analysis, 2019), and the smaller of the two is
    what counts. Of sums that feed sums `n` is that of all on the way.

    `scale` is the sum of the absolute products, or an array of such.
    """
    return min(terms, 6 * terms**0.5) * UNIT * scale
