"""Two pictures under a divider that the reader moves."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from tutorial_lib.show.pictures import (
    KEEP_KEYS,
    LOSSLESS,
    MAX_OUTPUT_BYTES,
    QUALITIES,
    ImageLike,
    Picture,
    caption_html,
    encoded,
    img,
    magnification,
    required_alt,
    within,
)

_ROOM = 520

STYLE = """<style>
.tutorial-compare{max-width:100%}
.tutorial-compare .stage{width:fit-content;max-width:100%}
.tutorial-compare .names{display:flex;justify-content:space-between;gap:8px;margin-bottom:4px;
font-weight:600}
.tutorial-compare select{font:inherit;min-height:44px;max-width:48%;padding:0 8px}
.tutorial-compare .pictures{position:relative;overflow:hidden;width:fit-content;max-width:100%}
.tutorial-compare img{visibility:hidden;position:absolute;top:0;left:0}
.tutorial-compare img:first-child{position:relative}
.tutorial-compare img[data-side]{visibility:visible}
.tutorial-compare img[data-side=left]{z-index:1;clip-path:inset(0 calc(100% - var(--at)) 0 0)}
.tutorial-compare .bar{position:absolute;z-index:2;top:0;bottom:0;left:var(--at);width:0;
margin-left:-1px;border-left:2px solid #fff;outline:1px solid #24292f}
.tutorial-compare .bar:after{content:"\\2194";position:absolute;top:50%;left:-1px;width:44px;
height:44px;margin:-22px;box-sizing:border-box;border:2px solid #fff;border-radius:50%;
box-shadow:0 0 0 1px #24292f;background:#0a66c2;color:#fff;font:24px/38px sans-serif;
text-align:center}
.tutorial-compare input{position:absolute;z-index:3;top:0;left:-22px;width:calc(100% + 44px);
height:100%;margin:0;opacity:0;cursor:ew-resize;touch-action:pan-y;appearance:none;-webkit-appearance:none}
.tutorial-compare input::-webkit-slider-runnable-track{height:100%}
.tutorial-compare input::-webkit-slider-thumb{-webkit-appearance:none;width:44px;height:100%}
.tutorial-compare input::-moz-range-thumb{width:44px;height:100%;border:0}
.tutorial-compare .pictures:focus-within .bar:after{outline:3px solid #ffbf47;outline-offset:2px}
</style>"""

_MOVE = "this.closest('.tutorial-compare').style.setProperty('--at',this.value+'%')"

_CHOOSE = (
    "const root=this.closest('.tutorial-compare'),"
    "[left,right]=[...root.querySelectorAll('select')].map(select=>select.selectedIndex);"
    "root.querySelectorAll('.stage img').forEach((image,i)=>{delete image.dataset.side;"
    "if(i===left||i===right)image.dataset.side=left===right?'both':i===left?'left':'right'})"
)


class CompareSlider(Picture):
    """Two pictures in one place, with a divider to move by mouse, thumb or arrow keys.

    It is plain HTML with a line of script, and works in the published page, in Colab and in a
    trusted notebook. Where scripts do not run, the divider stays where it is. With more than two
    pictures the reader chooses which two.

    Parameters
    ----------
    images : mapping
        Two or more pictures of one size by name: tensors of shape (1, 3, H, W) or (3, H, W) and
        range [0, 1], or the bytes or paths of WebP, PNG or JPEG files.
    alt : str
        What the pictures show, in a sentence.
    caption : str, optional
        Text below them.
    left, right : str, optional
        The two names to begin with: the first and the last if left out.
    start : int
        Where the divider stands at first, in percent of the width.
    width : int, optional
        Width on the page in CSS pixels. If left out, small pictures are shown at a whole multiple
        of their size.
    lossless : bool
        Show every pixel of tensors as it is.
    max_bytes : int
        Limit for the whole output; tensors are encoded at a lower quality to meet it, unless they
        are to be lossless.

    Raises
    ------
    ValueError
        If `alt` is empty, there are fewer than two pictures, they differ in size, a name is not
        among them, or they do not fit into `max_bytes`.
    """

    def __init__(
        self,
        images: Mapping[str, ImageLike],
        *,
        alt: str,
        caption: str | None = None,
        left: str | None = None,
        right: str | None = None,
        start: int = 50,
        width: int | None = None,
        lossless: bool = False,
        max_bytes: int = MAX_OUTPUT_BYTES,
    ) -> None:
        alt = required_alt(alt)
        names = list(images)
        if len(names) < 2:
            raise ValueError(f"two pictures are needed to compare, got {len(names)}")
        left = names[0] if left is None else left
        right = names[-1] if right is None else right
        for name in (left, right):
            if name not in images:
                raise ValueError(f"no picture {name!r}; there are {', '.join(names)}")
        if not 0 <= start <= 100:
            raise ValueError(f"start is in percent of the width, got {start}")

        def build(quality: int) -> str:
            pictures = {name: encoded(image, quality=quality) for name, image in images.items()}
            sizes = {(picture.width, picture.height) for picture in pictures.values()}
            if len(sizes) > 1:
                raise ValueError(f"pictures of different sizes: {sorted(sizes)}")
            natural = next(iter(sizes))[0]
            shown = width or natural * magnification(natural, _ROOM)
            stage = "".join(
                img(
                    picture,
                    alt=f"{alt} {name}",
                    width=shown,
                    attributes=_side(name, left=left, right=right),
                )
                for name, picture in pictures.items()
            )
            return _page(
                stage, names, left=left, right=right, alt=alt, start=start, caption=caption
            )

        qualities = LOSSLESS if lossless else QUALITIES
        super().__init__(within(build, max_bytes, qualities=qualities), alt)


def _page(
    stage: str,
    names: list[str],
    *,
    left: str,
    right: str,
    alt: str,
    start: int,
    caption: str | None,
) -> str:
    if len(names) == 2:
        heading = f"<span>{escape(left)}</span><span>{escape(right)}</span>"
        divider = f"divider between {left} and {right}"
    else:
        heading = _select(names, left, "picture on the left")
        heading += _select(names, right, "picture on the right")
        divider = "divider between the left and the right picture"
    below = caption_html(caption) if caption else ""
    return (
        f'<figure class="tutorial-compare" {KEEP_KEYS} '
        f'aria-label="{escape(alt)}" '
        f'style="--at:{start}%;margin:0;padding:0">{STYLE}<div class="stage">'
        f'<div class="names">{heading}</div><div class="pictures">{stage}<span class="bar"></span>'
        f'<input type="range" min="0" max="100" value="{start}" aria-label="{escape(divider)}" '
        f'oninput="{_MOVE}"></div></div>{below}</figure>'
    )


def _side(name: str, *, left: str, right: str) -> str:
    if left == right == name:
        return 'data-side="both"'
    return {left: 'data-side="left"', right: 'data-side="right"'}.get(name, "")


def _select(names: list[str], chosen: str, label: str) -> str:
    options = "".join(
        f"<option{' selected' if name == chosen else ''}>{escape(name)}</option>" for name in names
    )
    return f'<select aria-label="{label}" onchange="{_CHOOSE}">{options}</select>'
