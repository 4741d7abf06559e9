"""The timetable of the article, at any length."""

import pytest

from tutorial_lib.coarse_to_fine import Phase, phase, rate, spans


def test_train_each_is_the_articles_timetable():
    """50 epochs a stage, ten of them with the lower stages frozen."""
    expected = [Phase(k, frozen=k > 1 and epoch < 10) for k in range(1, 7) for epoch in range(50)]
    assert [phase(e, steps=300, stages=6, each=True) for e in range(300)] == expected
    assert {phase(e, steps=300, stages=6, each=False) for e in range(300)} == {Phase(6)}


@pytest.mark.parametrize(("steps", "stages"), [(3, 3), (7, 3), (64 * 24, 4), (1000, 6)])
def test_every_stage_gets_an_equal_share_and_a_fifth_of_it_is_frozen(steps, stages):
    phases = [phase(s, steps=steps, stages=stages, each=True) for s in range(steps)]
    assert [p.stage for p in phases] == sorted(p.stage for p in phases)
    for stage in range(1, stages + 1):
        mine = [p.frozen for p in phases if p.stage == stage]
        assert abs(len(mine) - steps / stages) < 1
        assert sum(mine) == (0 if stage == 1 else -(-len(mine) // 5))
        assert mine == sorted(mine, reverse=True)


def test_steps_outside_the_training_are_refused():
    with pytest.raises(ValueError, match="steps 0 to 9: got 10"):
        phase(10, steps=10, stages=2, each=True)
    with pytest.raises(ValueError, match="3 steps do not suffice for 4 stages"):
        phase(0, steps=3, stages=4, each=True)


@pytest.mark.parametrize("each", [True, False])
def test_spans_tell_what_every_step_trains(each):
    found = spans(steps=37, stages=4, each=each)
    told = [now for span, now in found for _ in span]
    assert [step for span, _ in found for step in span] == list(range(37))
    assert told == [phase(step, steps=37, stages=4, each=each) for step in range(37)]
    assert len(found) == (7 if each else 1)


def test_a_stage_may_begin_free_or_faded_in():
    free = [phase(s, steps=100, stages=2, each=True, begin="free") for s in range(100)]
    assert free == [Phase(1)] * 50 + [Phase(2)] * 50
    faded = [phase(s, steps=100, stages=2, each=True, begin="faded") for s in range(100)]
    assert not any(now.frozen for now in faded)
    assert [now.fade for now in faded[:50]] == [1.0] * 50
    # From nothing in equal steps during the first fifth.
    assert [now.fade for now in faded[50:61]] == pytest.approx([k / 10 for k in range(11)])
    assert {now.fade for now in faded[60:]} == {1.0}
    with pytest.raises(ValueError, match="frozen, free, faded: got 'slow'"):
        phase(0, steps=100, stages=2, each=True, begin="slow")


@pytest.mark.parametrize("each", [True, False])
def test_the_rate_falls_towards_the_end_of_every_stage(each):
    found = [rate(s, steps=60, stages=3, each=each) for s in range(60)]
    length = 20 if each else 60
    for first in range(0, 60, length):
        mine = found[first : first + length]
        assert mine[: length // 2] == [1.0] * (length // 2)
        falling = mine[length // 2 :]
        assert falling == pytest.approx([1 - k / len(falling) for k in range(len(falling))])
