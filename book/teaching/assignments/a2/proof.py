"""The generated proof of assignment 2, with a first wrong step at the place that is asked for."""

from __future__ import annotations

CLAIM = (
    r"How far is the plug-in gap of unplugged sensors from 0, to leading order, if all cells are in "
    r"use? Let the sensors have $k_1$ and $k_2$ values and the label $K$. Biases are written in "
    r"units of $\frac{1}{2N\ln 2}$ bits."
)

#: The proof as it should be.
STEPS = (
    r"The plug-in entropy of a variable with $C$ values is too small, by $C-1$ units.",
    r"$I(X_1;Y) = H(X_1) + H(Y) - H(X_1,Y)$ is off by $-(k_1-1) - (K-1) + (k_1K-1) = (k_1-1)(K-1)$, "
    r"and $I(X_2;Y)$ in the same way by $(k_2-1)(K-1)$.",
    r"The pair is a variable with $k_1k_2$ values, so $I(X_1,X_2;Y)$ is off by $(k_1k_2-1)(K-1)$.",
    r"The gap is $I(X_1,X_2;Y)-I(X_1;Y)-I(X_2;Y)$, so it is off by "
    r"$(K-1)\,[\,k_1k_2-1-(k_1-1)-(k_2-1)\,]$.",
    r"The bracket is $k_1k_2-k_1-k_2+1 = (k_1-1)(k_2-1)$, so the plug-in gap is too large.",
    r"Hence twice the samples, with twice the cells for each sensor, about double the bias.",
)

_TOO_SMALL = {
    3: r"The pair is a variable with $k_1k_2$ values, so $I(X_1,X_2;Y)$ is off by "
    r"$-(k_1k_2-1)(K-1)$.",
    4: r"The gap is $I(X_1,X_2;Y)-I(X_1;Y)-I(X_2;Y)$, so it is off by "
    r"$-(K-1)\,[\,k_1k_2-1-(k_1-1)-(k_2-1)\,]$.",
    5: r"The bracket is $k_1k_2-k_1-k_2+1 = (k_1-1)(k_2-1)$, so the plug-in gap is too small.",
}

#: By the number of the first wrong step: that step, and what follows from it.
WRONG: dict[int, dict[int, str]] = {
    1: _TOO_SMALL
    | {
        1: r"Chance spreads samples over more cells than the truth does, so the plug-in entropy of a "
        r"variable with $C$ values is too large, by $C-1$ units.",
        2: r"$I(X_1;Y) = H(X_1) + H(Y) - H(X_1,Y)$ is off by "
        r"$(k_1-1) + (K-1) - (k_1K-1) = -(k_1-1)(K-1)$, and $I(X_2;Y)$ in the same way by "
        r"$-(k_2-1)(K-1)$.",
    },
    2: _TOO_SMALL
    | {
        2: r"$I(X_1;Y) = H(X_1,Y) - H(X_1) - H(Y)$ is off by "
        r"$-(k_1K-1) + (k_1-1) + (K-1) = -(k_1-1)(K-1)$, and $I(X_2;Y)$ in the same way by "
        r"$-(k_2-1)(K-1)$.",
    },
    3: {
        3: r"The pair has the values of both sensors, $k_1+k_2$ in all, so $I(X_1,X_2;Y)$ is off by "
        r"$(k_1+k_2-1)(K-1)$.",
        4: r"The gap is $I(X_1,X_2;Y)-I(X_1;Y)-I(X_2;Y)$, so it is off by "
        r"$(K-1)\,[\,k_1+k_2-1-(k_1-1)-(k_2-1)\,]$.",
        5: r"The bracket is $1$, so the plug-in gap is too large, by $K-1$ whatever the sensors.",
        6: r"Hence twice the samples, with twice the cells for each sensor, halve the bias.",
    },
    4: {
        4: r"The gap is $I(X_1,X_2;Y)-I(X_1;Y)-I(X_2;Y)$. All three err in the same direction, and "
        r"errors add, so it is off by $(K-1)\,[\,k_1k_2-1+(k_1-1)+(k_2-1)\,]$.",
        5: r"The bracket is $k_1k_2+k_1+k_2-3$, so the plug-in gap is too large.",
    },
    5: {
        5: r"The bracket is $k_1k_2-k_1-k_2-1$, so for all but the smallest tables the plug-in gap is "
        r"too large.",
    },
    6: {
        6: r"Hence twice the samples, with twice the cells for each sensor, leave the bias as it is: "
        r"samples per reading do not change.",
    },
}


def proof(wrong: int) -> list[str]:
    """Return the steps of the proof whose first wrong step has this number, from 1."""
    return [WRONG[wrong].get(number, step) for number, step in enumerate(STEPS, 1)]
