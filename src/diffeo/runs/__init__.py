"""Run folders: what a training leaves behind, and how it is looked at.

The names are listed in ``__init__.pyi`` and imported when they are first used, so that samples do not wait for reports.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
