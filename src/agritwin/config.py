"""Configuration: ``config.yaml`` <- ``twins/<id>.yaml`` <- command line, validated into frozen objects.

Mappings merge, lists and scalars replace. Defaults stand in ``config/config.yaml`` alone; models say what is allowed.
"""

import datetime as dt
import difflib
import functools
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from agritwin import workspace
from agritwin.errors import ConfigError, DataError
from agritwin.geometry import bounds_of, check_twin_id, read_parcels
from agritwin.settings import Parcel, Settings

RUN_KEYS = {"twin", "as_of"}
log = logging.getLogger(__name__)
ONE_DAY = dt.timedelta(days=1)  # the machine's zone may be a day ahead of another


@functools.cache
def _loader() -> type:
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class UniqueKeyLoader(base):  # type: ignore[misc]  (libyaml where it is there)
        """Safe loader that refuses a key written twice, which YAML otherwise resolves silently to the last."""

    def mapping(loader: Any, node: yaml.MappingNode) -> dict:
        pairs = loader.construct_pairs(node, deep=True)
        keys = [key for key, _ in pairs]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"key {min(twice)!r} is written twice", node.start_mark)
        return dict(pairs)

    UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return UniqueKeyLoader


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    ConfigError
        When the file is missing, malformed or not a mapping; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"There is no file {path}.", "Restore it, or make a twin with 'agritwin new'.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    try:
        document = yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{path}{where}: {problem}.", "Correct the YAML there.") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(
            f"{path} holds a {type(document).__name__}, not keys and values.", "Write 'key: value' lines."
        )
    return document


def read_model[Model: BaseModel](path: Path, model: type[Model], missing: str, remedy: str) -> Model:
    """Read a YAML file as what a model says.

    Parameters
    ----------
    path, model
        The file, and what it has to hold.
    missing, remedy
        What is said when it is not there: what kind of file, and what to do.

    Raises
    ------
    ConfigError
        With file and key when it is missing, no YAML, or says something that is not understood.
    """
    if not path.is_file():
        raise ConfigError(f"There is no {missing} {path}.", remedy)
    try:
        return model.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}, key {key!r}: {first['msg']}.", "Correct it.") from error


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another: mappings merge, everything else replaces."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def validate(layers: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Merge layers and validate the result.

    Parameters
    ----------
    layers
        Name of the layer (a file, or ``--config``) to its mapping, lowest first.

    Raises
    ------
    ConfigError
        One line per fault: file, key, value and what is allowed.
    """
    merged: dict[str, Any] = {}
    for layer in layers.values():
        merged = merge(merged, layer)
    for key in RUN_KEYS:
        merged.pop(key, None)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        found = [_fault(fault, layers) for fault in error.errors(include_url=False)]
        lines = [text if text.endswith((".", "?")) else f"{text}." for text in found]
        raise ConfigError("\n".join(lines), "Correct the keys named above.") from error


def _fault(fault: Any, layers: Mapping[str, Mapping[str, Any]]) -> str:
    path = fault["loc"]
    key = ".".join(str(part) for part in path)
    origin = next((name for name, layer in reversed(list(layers.items())) if _holds(layer, path)), list(layers)[-1])
    if fault["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return f"{origin}: key {key!r} is unknown; {hint}"
    if fault["type"] == "missing":
        return f"{origin}: key {key!r} is missing"
    return f"{origin}: {key} = {fault['input']!r}: {_sentence(fault['msg'])}"


def _sentence(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return f"{text[0].lower()}{text[1:]}"


def _holds(layer: Any, path: tuple) -> bool:
    for part in path:
        try:
            layer = layer[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _known_keys(path: tuple) -> list[str]:
    model: Any = Settings
    for part in path:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(model.model_fields)


def twin_ids(folder: Path) -> list[str]:
    """Return the ids of all twins that have a YAML file in a folder, sorted.

    Raises
    ------
    ConfigError
        When a file's name is no twin id.
    """
    ids = sorted(path.stem for path in folder.glob("*.yaml"))
    for name in ids:
        try:
            check_twin_id(name)
        except DataError as error:
            raise ConfigError(f"{folder / name}.yaml: {error.message}", error.remedy) from error
    return ids


def choose(known: list[str], wanted: Any) -> list[str]:
    """Return the twins that ``--config twin=...`` asks for: ``all``, one id, or several joined by commas.

    Raises
    ------
    ConfigError
        For an id that has no file; suggests the nearest.
    """
    if wanted in (None, "all"):
        return known
    chosen = [part.strip() for part in str(wanted).split(",") if part.strip()]
    if not chosen:
        raise ConfigError(f"twin = {wanted!r} names no twin.", "Give ids joined by commas, or 'all'.")
    for name in chosen:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise ConfigError(
                f"There is no twin {name!r} (no file config/twins/{name}.yaml).",
                f"{hint}Known: {', '.join(known) or 'none'}. 'agritwin new FILE.geojson' makes one.",
            )
    return list(dict.fromkeys(chosen))


def load(config_folder: Path, wanted: Any = "all", overrides: Mapping[str, Any] | None = None) -> dict[str, Settings]:
    """Load and validate the twins asked for.

    Parameters
    ----------
    config_folder
        Holds ``config.yaml`` and ``twins/``.
    wanted
        ``all`` or ids joined by commas.
    overrides
        Values of the command line, laid over both files.

    Returns
    -------
    dict
        Twin id to settings, in the order asked for.
    """
    defaults = read_yaml(config_folder / "config.yaml")
    above = {key: value for key, value in (overrides or {}).items() if key not in RUN_KEYS}
    twins = {}
    for name in choose(twin_ids(config_folder / "twins"), wanted):
        file = config_folder / "twins" / f"{name}.yaml"
        layers = {str(config_folder / "config.yaml"): defaults, str(file): read_yaml(file)}
        if above:
            layers["--config"] = above
        twins[name] = validate(layers)
    return twins


def outline(settings: Settings, folder: Path) -> dict[str, Any]:
    """Return the GeoJSON geometry of a twin's parcel, as configured.

    Parameters
    ----------
    settings
        The twin's settings.
    folder
        Folder of the twins' YAML files.

    Raises
    ------
    ConfigError
        When the file is missing or holds no single parcel.
    """
    return _outline(settings.parcel, folder)


def outlines(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the outline of each configured twin, as GeoJSON geometry; one that cannot be read is logged and left out.

    Only the outline is looked at: another twin's mistake elsewhere is its own matter.

    Parameters
    ----------
    folder
        The configuration: ``twins/<id>.yaml`` in it.
    """
    found = {}
    for twin in twin_ids(folder / "twins"):
        try:
            parcel = Parcel.model_validate(read_yaml(folder / "twins" / f"{twin}.yaml").get("parcel"))
            found[twin] = _outline(parcel, folder / "twins")
        except (ConfigError, DataError, ValidationError) as error:
            log.warning("The outline of %s is left out: %s", twin, error)
    return found


def _outline(parcel: Parcel, folder: Path) -> dict[str, Any]:
    if parcel.geometry is not None:
        return _area(parcel.geometry, "parcel.geometry")
    path = folder / str(parcel.file)
    if path.suffix.lower() not in {".geojson", ".json"}:
        return _read_outline(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        if "crs" in document:
            return _read_outline(path)
        features = document.get("features", [document])
        geometry = features[0].get("geometry", features[0])
        if len(features) == 1 and geometry["coordinates"]:
            return _area(geometry, f"parcel.file: {path}")
    except FileNotFoundError as error:
        raise ConfigError(f"parcel.file: there is no file {path}.", "Correct the name in the twin's YAML.") from error
    except (UnicodeDecodeError, json.JSONDecodeError, AttributeError, KeyError, IndexError, TypeError) as error:
        raise ConfigError(f"parcel.file: {path} is not a GeoJSON parcel ({error}).", "Export it again.") from error
    raise ConfigError(f"parcel.file: {path} does not hold exactly one parcel.", "One twin, one parcel: split the file.")


def _area(geometry: dict[str, Any], where: str) -> dict[str, Any]:
    """Refuse what is no area, or has no corners; whether it crosses itself is looked at when the parcel is made."""
    if geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise ConfigError(f"{where}: a {geometry.get('type')} is not a parcel.", "Give a Polygon or a MultiPolygon.")
    try:
        bounds_of(geometry)
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        raise ConfigError(
            f"{where} has no corners, or they are no numbers.", "Give 'coordinates' as GeoJSON has them."
        ) from error
    return geometry


def _read_outline(path: Path) -> dict[str, Any]:
    """Read what is no plain GeoJSON in degrees; that is read without the libraries of geography, for plans are many."""
    parcels = read_parcels(path)
    if len(parcels) != 1:
        raise ConfigError(f"parcel.file: {path} holds {len(parcels)} parcels.", "One twin, one parcel: split the file.")
    return parcels[0][0].__geo_interface__


def check_files(twin: str, settings: Settings) -> None:
    """Refuse a twin whose record files are not there, before anything is planned.

    Raises
    ------
    ConfigError
        Names key and file.
    """
    for key in ("files", "sensors"):
        for path in getattr(settings.records, key):
            if not path.is_file():
                raise ConfigError(
                    f"Twin {twin}: records.{key} names {path}, which is not there.",
                    "Put the file back, correct the name, or take the entry out.",
                )


def at(settings: Settings, key: str) -> Any:
    """Return the plain value at a dotted key, for example ``sources.weather``."""
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value) if isinstance(value, dt.date | Path) else value


def clock(wanted: Any, twins: Mapping[str, Settings], today: dt.date) -> str:
    """Return the run's date: the one asked for, else that of the last observe, else where the data begin to be known.

    Parameters
    ----------
    wanted
        Value of ``as_of``; None when nobody said.
    twins
        Settings of the twins of this run.
    today
        The machine's date, used on the first run with live sources; the demo's archive brings its own.

    Raises
    ------
    ConfigError
        When ``as_of`` is no ISO date, or lies in the future of live sources.
    """
    if wanted is not None:
        try:
            date = dt.date.fromisoformat(str(wanted))
        except ValueError as error:
            raise ConfigError(f"as_of = {wanted!r} is no date.", "Write it as 2026-03-31.") from error
        if date > today + ONE_DAY and any("archive" not in settings.sources.weather for settings in twins.values()):
            # Commits carry the clock: one of the future would make every day until then a day of the past.
            raise ConfigError(f"as_of = {date} lies in the future.", f"Live sources know days up to {today}.")
        return date.isoformat()
    recorded = workspace.recorded_clock()
    if recorded is not None:
        return recorded
    if any("archive" in settings.sources.weather for settings in twins.values()):
        return str(workspace.read_json(workspace.ARCHIVE / "archive.json")["as_of"])
    return today.isoformat()


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas that editors use: ``config`` (run keys and defaults) and ``twin`` (what differs)."""

    def optional(node: Any) -> Any:
        # Python keeps equal unions of literals once, in the order that came first: sorted, it is always the same.
        if isinstance(node, dict):
            plain = {key: optional(value) for key, value in node.items() if key != "required"}
            return plain | ({"enum": sorted(plain["enum"])} if isinstance(plain.get("enum"), list) else {})
        return [optional(item) for item in node] if isinstance(node, list) else node

    twin = optional(Settings.model_json_schema())
    config = json.loads(json.dumps(twin))
    config["properties"] |= {
        "twin": {"type": "string", "description": "all, or ids joined by commas"},
        "as_of": {
            "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
            "description": "the run's only clock",
        },
    }
    return {"config": config | {"title": "config.yaml"}, "twin": twin | {"title": "twins/<id>.yaml"}}
