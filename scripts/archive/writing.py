"""How the archive's JSON and parquet files are written: no clock, sorted keys, the word synthetic in each."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

NOTICE = "Synthetic, made for the agritwin demo; not an observation, not a product of the provider whose form it has."


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Write JSON with sorted keys; ``indent=None`` gives the shortest form."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(content, ensure_ascii=False, indent=indent, separators=separators, sort_keys=True)
    write_text(path, text + "\n")


def write_parquet(path: Path, frame: pd.DataFrame, notes: dict[str, str], meaning: dict[str, str]) -> None:
    """Write a table: zstd, dictionary for numbers, delta for the integer time; ``meaning`` is kept per column."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [field.with_metadata({"meaning": meaning[field.name]}) for field in table.schema]
    labels = {"synthetic": "true", "notice": NOTICE} | notes
    table = table.cast(pa.schema(fields)).replace_schema_metadata(dict(sorted(labels.items())))
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = [name for name in frame.columns if name != "time"]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=numbers,
        column_encoding={"time": "DELTA_BINARY_PACKED"} if "time" in frame.columns else None,
        row_group_size=len(frame),
        write_statistics=True,
    )
