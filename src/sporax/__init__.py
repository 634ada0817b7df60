"""sporax: MindSpore's programming model on JAX.

`import sporax` imports almost nothing; public names and packages are imported when they are first used. The names are
those of MindSpore:

    >>> import numpy as np
    >>> import sporax.nn as nn
    >>> from sporax import Tensor
    >>> loss = nn.L1Loss()
    >>> print(loss(Tensor(np.array([1, 2, 3], np.float32)), Tensor(np.array([1, 2, 6], np.float32))))
    1.0
"""

import re
import sys
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_HOME = {
    name: home
    for home, name in re.findall(
        r"^from (sporax[\w.]*) import (\w+) as \2$", Path(__file__).with_suffix(".pyi").read_text("utf-8"), re.MULTILINE
    )
}
"""The public names and the modules that define them, from the stub that editors read too."""


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        from sporax._suggest import unknown

        raise unknown("sporax", name, _HOME, sys._getframe(1))
    from importlib import import_module

    if home == "sporax":
        return import_module(f"sporax.{name}")
    if home.startswith("sporax.core"):
        # sporax.ops adds the methods of Tensor that are ops (`x.sum()`).
        import_module("sporax.ops")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    here = (name for name in vars(sys.modules[__name__]) if not name.startswith("_"))
    return sorted({*_HOME, *here, "__version__"} - {"Any", "Path", "re", "sys"})
