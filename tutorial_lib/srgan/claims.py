"""What the article found on SRGAN, and how the records answer."""

from __future__ import annotations

from statistics import fmean

from tutorial_lib import ledger
from tutorial_lib.experiment import Claim, Reader


def _dB(record: ledger.Record, channel: str = "y") -> str:
    psnr_, ssim_ = (record.metric("set5", f"{kind}_{channel}") for kind in ("psnr", "ssim"))
    return f"{psnr_:.2f} dB, {ssim_:.4f}"


def _scores_fall(read: Reader) -> str:
    parts = []
    for name in ("srresnet", "srgan"):
        record = read(f"srgan/{name}")
        parts.append(
            f"{name}: {_dB(record)} in Y, {_dB(record, 'rgb')} in RGB ({record.steps:,} steps)"
        )
    return "Set5, " + "; ".join(parts)


def _looks_natural(read: Reader) -> str:
    bicubic, plain, gan = (read(f"srgan/{n}") for n in ("bicubic", "srresnet", "srgan"))
    values = ", ".join(
        f"{name} {value:.2f}"
        for name, value in (
            ("bicubic", bicubic.metric("bsd100", "niqe")),
            ("SRResNet", plain.metric("bsd100", "niqe")),
            ("SRGAN", gan.metric("bsd100", "niqe")),
            ("true photographs", bicubic.metric("bsd100", "true_niqe")),
        )
    )
    return f"NIQE on BSD100 (lower is more natural): {values}"


def _content_share(read: Reader) -> str:
    parts = []
    for name in ("srgan", "vgg54"):
        record = read(f"srgan/{name}")
        weights = {"mse": 1.0, **{k: record.config[k] for k in ("content", "adversarial")}}
        terms = {k: w * fmean(record.curves[k]["value"]) for k, w in weights.items()}
        share = 100 * terms["content"] / sum(terms.values())
        parts.append(f"{share:.2g} % with {record.protocol['content loss']}")
    return "the VGG term's share of the article's three losses: " + ", ".join(parts)


CLAIMS = (
    Claim(
        "PSNR and SSIM on Set5 put SRResNet (29.74 dB, 0.8610) far ahead of SRGAN (25.41 dB, "
        "0.7352); the channel is not stated",
        _scores_fall,
        verdict="agrees",
    ),
    Claim(
        "SRResNet's picture is flat where SRGAN's has the fine grain of a photograph, and most "
        "people take the latter for natural",
        _looks_natural,
        verdict="in part",
    ),
    Claim(
        "the VGG loss, weighted by 2e-6, mends the blur of the squared error; both are added "
        "because one alone did not train stably",
        _content_share,
        verdict="disagrees",
    ),
)
"""What the article found, and how the records answer."""
