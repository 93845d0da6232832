"""A sample of random faults, one to three at once: each run leaves a usable plan, a line in the journal, its state."""

from __future__ import annotations

from tests.rolling.random_faults import FAULTS, run


def test_random_faults_leave_usable_plans(tmp_path):
    account = run(26, seed=3, folder=tmp_path)
    assert not account.wrong
    assert sum(account.rungs.values()) == 26
    assert {"proved", "shifted", "killed", "not written"} <= set(account.rungs), "several ways were among them"
    assert len(account.faults) > 0.6 * len(FAULTS)
