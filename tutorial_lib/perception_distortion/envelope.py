"""The lower envelope of points that were measured: what methods and their mixtures can reach.

Taught in the chapter *Perception and distortion*.
"""

from __future__ import annotations

from collections.abc import Sequence


def lower_envelope(points: Sequence[tuple[float, float]]) -> list[int]:
    """Which points are on the convex envelope below and to the left of all.

    Whoever has two methods also has all their mixtures: take the one for some of the pictures, at
    random, and the other for the rest. Mean squared error and mean NIQE then lie on the straight
    line between the two points. What lies above such a line, or is worse in both measures, is on
    nobody's list.

    Parameters
    ----------
    points : sequence of (float, float)
        Distortion and perception, smaller being better, in units in which mixtures are straight:
        the mean squared error and not its root.

    Returns
    -------
    list of int
        Places in `points`, from the least distortion to the best perception.

    Raises
    ------
    ValueError
        If there is no point.

    Examples
    --------
    >>> lower_envelope([(1, 9), (2, 4), (3, 5), (3, 3.9), (4, 1), (5, 2)])
    [0, 1, 4]
    """
    if not points:
        raise ValueError("there are no points")
    best: list[int] = []
    for i in sorted(range(len(points)), key=lambda k: points[k]):
        if best and points[i][1] >= points[best[-1]][1]:
            continue  # no better in either measure
        while len(best) > 1 and not _turns_left(points[best[-2]], points[best[-1]], points[i]):
            best.pop()
        best.append(i)
    return best


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0
