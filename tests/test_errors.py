"""Faults as values: how they read, and how they gather."""

from __future__ import annotations

import pytest

from microgrid.errors import InputError, MicrogridError, Problem, nearest


def test_a_problem_is_two_lines():
    problem = Problem("assets.battery.charge_efficiency", "95", "a share from 0 to 1", 'write "95 %"', "plant.yaml:31")
    assert str(problem) == (
        'plant.yaml:31  assets.battery.charge_efficiency: 95\n   wanted a share from 0 to 1; write "95 %"'
    )


def test_what_is_not_known_is_left_out():
    assert str(Problem("load", "", "a number")) == "load\n   wanted a number"


def test_a_place_is_given_once():
    placed = Problem("load", "x", "a number").at("plant.yaml:3")
    assert placed.place == "plant.yaml:3"
    assert placed.at("other.yaml:1") is placed


def test_an_error_lists_every_problem():
    problems = [Problem("a", "1", "b"), Problem("c", "2", "d")]
    with pytest.raises(ValueError, match="a: 1\n   wanted b\nc: 2\n   wanted d") as caught:
        raise InputError(iter(problems))
    assert isinstance(caught.value, MicrogridError)
    assert caught.value.problems == tuple(problems)


def test_nearest():
    assert nearest("energi", ["power", "energy"]) == "energy"
    assert nearest("xyz", ["power", "energy"]) == ""
    assert nearest("energy", []) == ""
