"""Figures that readers work with in the page.

Each is an object that a notebook shows as a custom element: on the website, in JupyterLab and on
Colab alike, without a kernel and without asking the network for anything.
"""

from adl.live._figure import Figure
from adl.live.descent import Descent
from adl.live.intervention import Intervention
from adl.live.lazy_training import LazyTraining
from adl.live.losses import LossChoice
from adl.live.spreadsheet import Spreadsheet

__all__ = ["Descent", "Figure", "Intervention", "LazyTraining", "LossChoice", "Spreadsheet"]
