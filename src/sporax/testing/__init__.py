"""Looking at losses: whether one of your own is right, and what a loss looks like."""

from sporax.testing._check_loss import assert_loss, check_loss, law_names
from sporax.testing._inputs import Input, parse_inputs
from sporax.testing._report import COLOURS, MARKS, Finding, Report, details, html_page
from sporax.testing._subject import load_target

__all__ = [
    "COLOURS",
    "MARKS",
    "Finding",
    "Input",
    "Report",
    "assert_loss",
    "check_loss",
    "details",
    "html_page",
    "law_names",
    "load_target",
    "parse_inputs",
]
