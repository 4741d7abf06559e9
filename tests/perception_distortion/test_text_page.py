import torch

from tutorial_lib.metrics import imresize
from tutorial_lib.perception_distortion.text_page import (
    LINES,
    UNREAD,
    readings,
    share_read,
    text_page,
)


def test_page_is_read_whole_and_letters_do_not_overlap():
    page, letters = text_page()
    wanted = "".join(line.replace(" ", "") for line, _ in LINES)
    assert readings(page, letters) == wanted
    assert share_read(page, letters) == 1
    ink = torch.ones_like(page)
    for letter in letters:
        box = (
            slice(letter.top, letter.top + letter.height),
            slice(letter.left, letter.left + letter.width),
        )
        assert (ink[..., *box] == 1).all()
        ink[..., *box] = 0
    assert (page[ink == 1] == page.max()).all()


def test_reading_ignores_contrast_and_suffers_from_blur():
    page, letters = text_page()
    assert share_read(0.6 + 0.1 * page, letters) == 1
    blurred = imresize(imresize(page, scale=1 / 4), scale=4).clamp(0, 1)
    worse = imresize(imresize(page, scale=1 / 8), scale=8).clamp(0, 1)
    assert 1 > share_read(blurred, letters) > share_read(worse, letters)


def test_a_tie_is_no_letter():
    page, letters = text_page()
    for level in (0.0, 0.3, 0.5, 1.0):
        assert set(readings(torch.full_like(page, level), letters)) == {UNREAD}
    assert share_read(torch.full_like(page, 0.5), letters) == 0
    assert UNREAD not in "".join(line for line, _ in LINES)
