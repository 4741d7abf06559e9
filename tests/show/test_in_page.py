"""The place of a network in the page: what a notebook shows, and what the site's build finds."""

import pytest

from tutorial_lib import show


def test_a_notebook_shows_a_sentence_and_no_dead_button():
    bundle = show.InPage("srgan")._repr_mimebundle_()
    assert "<p>In the published book a button stands here" in bundle["text/html"]
    assert not {"<button", "<script", "src="} & {*bundle["text/html"].split()}
    assert bundle["text/plain"].startswith("In the published book")


def test_words_are_text():
    html = show.InPage("srgan", words='Try "it" <now>').html
    assert 'data-words="Try &quot;it&quot; &lt;now&gt;"' in html


@pytest.mark.parametrize("demo", ["", "../srgan", "SRGAN", "srgan.js"])
def test_a_demo_is_a_files_name(demo):
    with pytest.raises(ValueError, match="no demo can be called"):
        show.InPage(demo)


def test_a_button_says_something():
    with pytest.raises(ValueError, match="words is empty"):
        show.InPage("srgan", words=" ")
