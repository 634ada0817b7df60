"""What the losses of the registry look like: finding one by any of its names, curves, plots and pictures.

>>> from sporax import plotting
>>> row = plotting.find("huber")
>>> curve = plotting.trace(row, plotting.lines(row)[0], {"delta": 0.5}, points=3)
>>> curve.x.tolist(), curve.slope.tolist()
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
from sporax.plotting._find import find, like
from sporax.plotting._lines import lines
from sporax.plotting._plot import PlotError, plot_text, save_figure
from sporax.plotting._words import Words, plain_formula, words_of

__all__ = [
    "Curve",
    "Line",
    "PlotError",
    "Words",
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
    "words_of",
]
