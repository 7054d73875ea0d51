"""Runs a script under a torchvision that was built for another PyTorch (see make_models.py): record.py SCRIPT ARGS..."""
import runpy
import sys

import make_models  # noqa: F401  makes torchvision importable

sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
