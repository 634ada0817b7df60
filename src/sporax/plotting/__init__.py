"""Curves of the built-in losses: look-up by name, values and derivatives along a line, plots as text and pictures.

>>> from sporax import plotting
>>> info = plotting.find("huber")
>>> curve = plotting.trace(info, plotting.lines(info)[0], {"delta": 0.5}, points=3)
>>> curve.x.tolist(), curve.derivative.tolist()
([-4.0, 0.0, 4.0], [-0.5, 0.0, 0.5])
"""

from sporax.plotting._curve import (
    Curve,
    Line,
    growth,
    parameters_of,
    required_parameters,
    sample,
    settings_of,
    trace,
)
from sporax.plotting._description import Description, describe, plain_formula
from sporax.plotting._find import find, like
from sporax.plotting._lines import lines
from sporax.plotting._plot import PlotError, plot_text, save_figure

__all__ = [
    "Curve",
    "Description",
    "Line",
    "PlotError",
    "describe",
    "find",
    "growth",
    "like",
    "lines",
    "parameters_of",
    "plain_formula",
    "plot_text",
    "required_parameters",
    "sample",
    "save_figure",
    "settings_of",
    "trace",
]
