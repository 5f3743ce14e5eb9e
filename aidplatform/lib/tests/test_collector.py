"""The collector of cyclic garbage sleeps as long as it was asked to, and no longer."""

import gc

import pytest

from aidplatform.lib.collector import collector_asleep


def test_collector_sleeps_inside_and_wakes_whatever_happens() -> None:
    with pytest.raises(ValueError, match="half way"), collector_asleep():
        assert not gc.isenabled()
        raise ValueError("half way")
    assert gc.isenabled()


def test_whoever_asks_inside_wakes_nobody() -> None:
    with collector_asleep():
        with collector_asleep():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
