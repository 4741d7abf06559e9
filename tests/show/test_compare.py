"""The divider between two pictures."""

import re

import pytest
import torch

from tutorial_lib.show import CompareSlider, encode


def images(*names, size=16):
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(1, 3, size, size, generator=generator) for name in names}


def sides(html):
    """Which picture stands on which side, by its text."""
    tags = re.findall(r"<img [^>]*?>", html)
    found = {
        re.search(r'alt="([^"]*)"', tag)[1]: re.search(r"data-side=\"(\w+)", tag) for tag in tags
    }
    return {alt: side and side[1] for alt, side in found.items()}


def test_two_pictures_lie_on_each_other_under_a_named_range():
    html = CompareSlider(images("bicubic", "HR"), alt="A face.", start=30).html
    assert sides(html) == {"A face. bicubic": "left", "A face. HR": "right"}
    assert 'aria-label="divider between bicubic and HR"' in html
    assert '<input type="range" min="0" max="100" value="30"' in html
    assert "--at:30%" in html
    assert "<select" not in html


def test_reader_chooses_between_more_than_two():
    html = CompareSlider(images("a", "b", "c"), alt="A face.", left="b", right="a").html
    assert sides(html) == {"A face. a": "right", "A face. b": "left", "A face. c": None}
    assert re.findall(r"<option selected>(\w)", html) == ["b", "a"]
    assert html.count("<option") == 6
    assert html.count("<img") == 3  # each picture once, whatever the pair


def test_same_picture_on_both_sides():
    html = CompareSlider(images("a", "b"), alt="A face.", left="a", right="a").html
    assert sides(html)["A face. a"] == "both"


def test_small_pictures_are_shown_at_a_whole_multiple():
    assert 'width="512" height="512"' in CompareSlider(images("a", "b"), alt="A face.").html


def test_files_can_be_compared(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode(images("a")["a"], "png"))
    html = CompareSlider({"a": path, "b": path.read_bytes()}, alt="A face.").html
    assert html.count("data:image/png") == 2


def test_output_is_html_and_its_text():
    shown = CompareSlider(images("a", "b"), alt="A face.", caption="A <caption>.")
    assert shown._repr_mimebundle_() == {"text/html": shown.html, "text/plain": "A face."}
    assert "A &lt;caption&gt;." in shown.html


def test_large_pictures_are_encoded_at_a_lower_quality():
    many = images("a", "b", "c", size=256)
    free = CompareSlider(many, alt="Noise.", max_bytes=10**9)
    limit = int(0.8 * len(free.html))
    assert len(CompareSlider(many, alt="Noise.", max_bytes=limit).html) <= limit


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ("a", {}, "two pictures are needed to compare, got 1"),
        ("ab", {"alt": ""}, "alt is empty"),
        ("ab", {"left": "c"}, "no picture 'c'; there are a, b"),
        ("ab", {"start": 101}, "in percent"),
        ("ab", {"max_bytes": 1000}, "limit is 1 kB"),
    ],
)
def test_what_cannot_be_compared_is_refused(names, options, message):
    with pytest.raises(ValueError, match=message):
        CompareSlider(images(*names), **{"alt": "A face.", **options})


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"different sizes: \[\(8, 8\), \(16, 16\)\]"):
        CompareSlider({**images("a"), **images("b", size=8)}, alt="A face.")
