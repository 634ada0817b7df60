"""Evaluation: the compiled evaluation of batches, and the results of the metrics."""

from sporax.train.evaluate._evaluation import Evaluation
from sporax.train.evaluate._results import Totals, results_of

__all__ = ["Evaluation", "Totals", "results_of"]
