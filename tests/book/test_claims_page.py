"""The page on how we know: every finding, with its verdict and its runs."""

from __future__ import annotations

import re

import claims_page
import pytest
from chapters import listed
from claims_page import CLAIMS, VERDICTS, answer, entry

from tutorial_lib.experiment import Claim

TITLES = {chapter.name: chapter.title for chapter in listed()}
EVERY = [pytest.param(claim, id=claim.article[:40]) for found in CLAIMS.values() for claim in found]


def test_every_chapter_is_there():
    assert set(CLAIMS) == set(TITLES)
    assert all(CLAIMS.values())


@pytest.mark.parametrize("claim", EVERY)
def test_what_is_settled_was_measured(claim: Claim):
    measured, records = answer(claim)
    assert claim.verdict in VERDICTS
    assert records or claim.verdict == "not settled"
    lines = "\n".join(entry(claim))
    assert claim.article[1:].rstrip(".") in lines
    assert measured in lines
    for record in records:
        assert f"`{record.experiment} <record-{record.experiment.replace('/', '-')}>`" in lines


def test_counts_are_those_of_the_list():
    rows = claims_page.counts(TITLES).splitlines()[2:]
    counted = [
        sum(map(int, re.findall(r"\d+", row.partition("|")[2].split("|", 1)[1]))) for row in rows
    ]
    assert counted == [len(found) for found in CLAIMS.values()]
    page = claims_page.claims(TITLES)
    for verdict in VERDICTS:
        column = VERDICTS.index(verdict) + 2
        total = sum(int(cell) for row in rows if (cell := row.split("|")[column].strip()) != "–")
        assert total == len(re.findall(rf"^\*\*{verdict.capitalize()}\.\*\*", page, re.M))


def test_a_record_that_is_read_twice_is_named_once():
    claim = Claim(
        "It is so", lambda read: f"{read('srgan/srgan').steps} {read('srgan/srgan').steps}"
    )
    assert "\n".join(entry(claim)).count("record-srgan-srgan") == 1
