"""Checks of a loss: gradients, reductions, weights, shapes, precision, labels, tracing and cost."""

from sporax.testing._check_loss import assert_loss, check_loss, check_names
from sporax.testing._inputs import Input, parse_inputs
from sporax.testing._load_target import load_target
from sporax.testing._report import COLOURS, MARKS, Finding, Report, details, html_page

__all__ = [
    "COLOURS",
    "MARKS",
    "Finding",
    "Input",
    "Report",
    "assert_loss",
    "check_loss",
    "check_names",
    "details",
    "html_page",
    "load_target",
    "parse_inputs",
]
