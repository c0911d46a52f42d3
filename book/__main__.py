"""What `make` does, without make: ``python -m book TARGET ...``; ``python -m book help`` lists all.

Nothing need be installed, and an old Python gets this far to be told so.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (whoever has an older one reads the sentence below)
    sys.exit(
        "mmfuse needs Python 3.11 or newer; {} is {}.{}. Name another one: make PYTHON=python3.12 "
        "..., or python3.12 -m book ... (on Windows: py -3.12 -m book ...)".format(
            sys.executable, *sys.version_info[:2]
        )
    )

from book import targets

if __name__ == "__main__":
    sys.exit(targets.main(sys.argv[1:]))
