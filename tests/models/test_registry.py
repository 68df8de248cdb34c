"""The registry keeps cards, lets only better models into office, and returns to the one before."""

import json

import pytest

from agritwin.errors import DataError, StoreError
from agritwin.models import registry


def card(model, crps, data="a", **others):
    return {"model": model, "data": data, "metrics": {model: {"crps": crps}, **others}}


def test_the_first_model_is_champion(tmp_path):
    assert registry.champion(tmp_path) is None
    assert registry.promote(tmp_path, card("mean", 60.0))
    assert registry.champion(tmp_path)["model"] == "mean"


@pytest.mark.parametrize(("crps", "promoted"), [(59.0, True), (60.0, False), (61.0, False)])
def test_only_a_better_model_follows_and_a_tie_keeps_the_champion(tmp_path, crps, promoted):
    registry.promote(tmp_path, card("mean", 60.0))
    assert registry.promote(tmp_path, card("bayesian", crps)) is promoted
    assert registry.champion(tmp_path)["model"] == ("bayesian" if promoted else "mean")


def test_a_margin_asks_for_more(tmp_path):
    registry.promote(tmp_path, card("mean", 60.0))
    assert not registry.promote(tmp_path, card("bayesian", 58.0), margin=0.05)
    assert registry.promote(tmp_path, card("bayesian", 56.9), margin=0.05)


def test_both_are_judged_on_the_folds_of_the_challenger(tmp_path):
    """The champion's old score was made on easier years; on the same years the challenger wins."""
    registry.promote(tmp_path, card("mean", 20.0, data="easy"))
    assert registry.promote(tmp_path, card("bayesian", 50.0, data="hard", mean={"crps": 60.0}))


def test_the_same_model_retrained_on_new_data_replaces_itself(tmp_path):
    registry.promote(tmp_path, card("bayesian", 50.0, data="2023"))
    assert registry.promote(tmp_path, card("bayesian", 55.0, data="2024"))
    assert len(registry.champions(tmp_path)) == 2


def test_promoting_the_same_card_again_changes_nothing(tmp_path):
    registry.promote(tmp_path, card("mean", 60.0))
    assert not registry.promote(tmp_path, card("mean", 60.0))
    assert len(registry.champions(tmp_path)) == 1


def test_rolling_back_returns_to_the_champion_before(tmp_path):
    registry.promote(tmp_path, card("mean", 60.0))
    registry.promote(tmp_path, card("bayesian", 50.0))
    registry.roll_back(tmp_path)
    assert registry.champion(tmp_path)["model"] == "mean"
    with pytest.raises(DataError, match="no earlier champion"):
        registry.roll_back(tmp_path)


def test_a_card_that_was_altered_is_refused(tmp_path):
    registry.promote(tmp_path, card("mean", 60.0))
    (path,) = (tmp_path / "cards").iterdir()
    path.write_text(json.dumps(card("mean", 1.0)))
    with pytest.raises(StoreError, match="not the one"):
        registry.champion(tmp_path)


def test_a_card_without_a_score_cannot_be_promoted(tmp_path):
    with pytest.raises(DataError, match="Score the model"):
        registry.promote(tmp_path, {"model": "mean", "data": "a", "metrics": {}})


def test_losing_challengers_are_kept_for_the_record(tmp_path):
    registry.promote(tmp_path, card("mean", 60.0))
    loser = card("trend", 80.0)
    registry.promote(tmp_path, loser)
    assert registry.load(tmp_path, registry.identity(loser)) == loser
