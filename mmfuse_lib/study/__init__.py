"""Studies: methods x data sets x settings x seeds, run once and gathered in one small file.

>>> from mmfuse_lib import study
>>> results = study.load_results("reproduce/explanations.json")
>>> list(study.table(results, "digits/balanced"))[:2]
['accuracy', 'R']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
