"""Pictures that can be moved: pages of HTML and JavaScript that need no library and no network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
