"""The output of the other scripts."""

import json
import sys


def write(cases, *libraries, **versions):
    """Writes cases and the versions of the libraries that made them."""
    made_with = {library.__name__: library.__version__ for library in libraries} | versions
    json.dump({"made_with": made_with, "cases": cases}, sys.stdout, indent=1)
    print()
