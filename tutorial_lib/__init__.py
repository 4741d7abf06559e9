"""Companion library of the book: seven methods of image generation and restoration, written out."""

from importlib.metadata import version

__version__ = version("tutorial-lib")
