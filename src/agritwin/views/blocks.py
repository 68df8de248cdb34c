"""What a page is made of: plots, tables, tiles, sentences and the reasons why something is not there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bokeh.models import CustomJS
from bokeh.plotting import figure

Mark = Literal["line", "dashed", "band", "bar", "dot", "ring"]
State = Literal["plain", "good", "low", "mid", "serious", "stale"]


@dataclass(frozen=True)
class Key:
    """One entry of a plot's legend: also the switch of the renderers of that name."""

    label: str
    colour: str
    mark: Mark
    name: str


@dataclass(frozen=True)
class Ramp:
    """Legend of a raster: colours from low to high and what stands at even distances below them."""

    title: str
    colours: tuple[str, ...]
    ticks: tuple[str, ...]


@dataclass(frozen=True)
class Control:
    """A slider or a choice in front of a plot.

    Attributes
    ----------
    kind
        How it looks.
    label
        What is chosen.
    options
        Text of each step; the position in this list is the value handed to the script.
    start
        Position chosen at first.
    script
        Name of a ``CustomJS`` in the figure's tags, executed with ``value``.
    ramps
        Legend of each option, or one for all, or none.
    """

    kind: Literal["slider", "choice"]
    label: str
    options: tuple[str, ...]
    start: int
    script: str
    ramps: tuple[Ramp | None, ...] = ()


@dataclass(frozen=True)
class Plot:
    """A figure with all that a reader needs around it.

    Attributes
    ----------
    name
        Unique on the page; also the name of the file when its data are saved.
    figure
        The Bokeh figure.
    title, summary
        Heading, and the finding in a sentence or two: what a reader sees who cannot see the picture.
    keys
        Legend.
    controls
        Sliders and choices.
    """

    name: str
    figure: figure
    title: str
    summary: str
    keys: tuple[Key, ...] = ()
    controls: tuple[Control, ...] = ()
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        # By this name the page's scripts find the figure.
        self.figure.name = f"figure-{self.name}"


@dataclass(frozen=True)
class Table:
    """A table of texts, ready to be shown.

    Attributes
    ----------
    caption
        What it shows.
    header, rows
        Texts; rows are as long as the header.
    numeric
        Positions of columns set to the right.
    folded
        Whether it opens on demand.
    marks
        State of each row, in order; may be empty.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    folded: bool = False
    marks: tuple[State, ...] = ()


@dataclass(frozen=True)
class Tile:
    """A key figure: what, how much, of which period, and how good it is."""

    label: str
    value: str
    unit: str
    period: str
    note: str = ""
    state: State = "plain"


@dataclass(frozen=True)
class Tiles:
    """Key figures side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Text:
    """A sentence or two; ``state`` colours it."""

    text: str
    state: State = "plain"


@dataclass(frozen=True)
class Absent:
    """Something that is not there, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Link:
    """A way to a file beside the page or to a place elsewhere; never fetched by the page itself."""

    label: str
    target: str


@dataclass(frozen=True)
class Links:
    """Links in a row."""

    label: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Tabs:
    """Blocks of which one is seen at a time; print shows all."""

    name: str
    label: str
    panels: tuple[tuple[str, "tuple[Block, ...]"], ...]


@dataclass(frozen=True)
class Columns:
    """Stacks of blocks side by side where there is room."""

    stacks: "tuple[tuple[Block, ...], ...]"


type Block = Plot | Table | Tiles | Text | Absent | Links | Tabs | Columns


@dataclass(frozen=True)
class Section:
    """A part of the page: its question and its blocks."""

    name: str
    title: str
    lead: str = ""
    blocks: tuple[Block, ...] = field(default=())


def plots(blocks: Sequence[Block]) -> list[Plot]:
    """Return the plots among blocks, those within tabs and columns too, in the order of the page."""
    found: list[Plot] = []
    for block in blocks:
        if isinstance(block, Plot):
            found.append(block)
        elif isinstance(block, Tabs):
            for _, inside in block.panels:
                found += plots(inside)
        elif isinstance(block, Columns):
            for stack in block.stacks:
                found += plots(stack)
    return found


def script(figure: figure, name: str, code: str, **models: object) -> None:
    """Hang a script on a figure; the page finds it by name and executes it with ``cb_obj.value``."""
    figure.tags.append(CustomJS(name=name, args=models, code=code))
