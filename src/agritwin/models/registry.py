"""Models on disk as readable JSON: cards, a champion, and how it came to be. Nothing here can execute.

A folder holds `cards/<id>.json`, never rewritten, and `champion.json` with the ids of all champions so far, the last
being in office. The id is the hash of the card, so a card that was altered is found out.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from agritwin.errors import DataError, StoreError

Card = dict[str, Any]


def identity(card: Card) -> str:
    """Hash of a card, 16 hexadecimal digits; equal cards have equal ids."""
    return hashlib.sha256(_text(card).encode()).hexdigest()[:16]


def save(folder: Path, card: Card) -> str:
    """Store a card of plain values and return its id; storing it again changes nothing."""
    path = folder / "cards" / f"{identity(card)}.json"
    if not path.exists():
        _write(path, card)
    return path.stem


def load(folder: Path, model: str) -> Card:
    """Card of a model.

    Raises
    ------
    StoreError
        Where it is not there, or is not what was stored.
    """
    path = folder / "cards" / f"{model}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise StoreError(f"Model card {path} cannot be read: {problem}.", "Train the model again.") from problem
    if identity(card) != model:
        raise StoreError(f"Model card {path} is not the one that was stored.", "Restore it, or train the model again.")
    return card


def champions(folder: Path) -> list[str]:
    """Ids of all champions so far, oldest first."""
    path = folder / "champion.json"
    return json.loads(path.read_text(encoding="utf-8"))["champions"] if path.exists() else []


def champion(folder: Path) -> Card | None:
    """Card of the champion, None where there is none yet."""
    past = champions(folder)
    return load(folder, past[-1]) if past else None


def promote(folder: Path, card: Card, score: str = "crps", margin: float = 0.0) -> bool:
    """Store a challenger and make it champion only if it is better than the champion on the same data.

    Parameters
    ----------
    card
        Model card with `model`, `data` and `metrics[model][score]`, the lower the better.
    score, margin
        Metric that counts, and the share by which it must fall; a tie keeps the champion.

    Returns
    -------
    True where the challenger is now the champion. The first model always is; so is the same model retrained on other
    data, whose old score says nothing about it.

    Raises
    ------
    DataError
        Where the card does not say how well its model does.
    """
    challenger = _score(card, card.get("model"), score)
    reigning = champion(folder)
    if reigning is not None and identity(card) == champions(folder)[-1]:
        return False
    if reigning is not None and not (reigning["data"] != card["data"] and reigning["model"] == card["model"]):
        # Both are judged by the challenger's own folds wherever these hold the champion's model too.
        judged = card if reigning["model"] in card["metrics"] else reigning
        if not challenger < _score(judged, reigning["model"], score) * (1 - margin):
            save(folder, card)
            return False
    model = save(folder, card)
    _write(folder / "champion.json", {"champions": [*champions(folder), model]})
    return True


def roll_back(folder: Path) -> str:
    """Return to the champion before and give its id.

    Raises
    ------
    DataError
        Where there is none before.
    """
    past = champions(folder)
    if len(past) < 2:
        raise DataError(f"{folder} has no earlier champion to return to.", "Train a model instead.")
    _write(folder / "champion.json", {"champions": past[:-1]})
    return past[-2]


def _score(card: Card, model: Any, score: str) -> float:
    try:
        return float(card["metrics"][model][score])
    except KeyError as missing:
        raise DataError(f"The card of {model} has no {missing}.", "Score the model before it is promoted.") from missing


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n"


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(_text(value), encoding="utf-8")
    aside.replace(path)
