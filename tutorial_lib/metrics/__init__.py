"""How results are measured: resizing, evaluation protocols, PSNR, SSIM and NIQE."""

from tutorial_lib.metrics.resize import imresize

__all__ = ["imresize"]
