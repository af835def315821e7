"""diffeo: exact-likelihood, invertible generative models in PyTorch.

The public names are listed in ``__init__.pyi`` and imported when they are first used, so that the
command line's help does not wait for torch.
"""

import lazy_loader

from diffeo.system import threads as _threads

__version__ = "0.1.0"

_threads.sleep_while_waiting()  # before torch is imported

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
