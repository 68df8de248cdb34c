# What all rules share: the twins, their cells, and the three params that every rule carries.
import atexit
import datetime
import functools
import gc
import inspect
import json
import os
import sys

from filelock import FileLock, Timeout
from snakemake.common import overwrite_function_params
from snakemake.dag import DAG
from snakemake.output_index import OutputIndex

from agritwin import config as configuration
from agritwin import fingerprint, job, workspace
from agritwin.errors import ConfigError
from agritwin.geometry import cell_centre, cell_id, middle_of_bounds
from agritwin.settings import ANNUAL_SPECIES

PINS = ["weather", "forecast", "ndvi"]
# Snakemake does not tell while it reads the rules that it will only plan.
DRY = {"-n", "--dry-run", "--dryrun", "--lint", "--unlock"}
WRITTEN = ["data", "data/twins/*", "data/cubes/*", "results/*", "reports/*"]
NOTEBOOK = "python -m agritwin.job agritwin.notebook {input.notebook} {log.notebook} {params.files:q} {params.settings:q}"
STEP = (
    "python -m agritwin.job {params.module} {params.files:q} {params.settings:q} > {log} 2>&1 || {{ tail -n 3 {log} >&2; exit 1; }}; "
    "grep -F ' WARNING ' {log} >&2 || true"
)

# Jobs run with the interpreter that plans them, whether or not its environment was activated.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])

# A plan of a thousand twins is a million objects that stay: collecting among them takes a third of the planning, and taking
# them apart at the end another fifth.
gc.set_threshold(10_000_000, 50, 1000)
atexit.register(gc.freeze)

# Nor does it have folders as outputs, or environments to build; and a file that many rules read is looked up once.
DAG.check_directory_outputs = DAG.update_conda_envs = lambda dag: None
OutputIndex.match_producers = functools.cache(OutputIndex.match_producers)

SETTINGS = {}
CELLS = {}
CELL_OF = {}


def prepare(run):
    """Load the twins asked for and the clock; everything is validated before a job is planned."""
    folder = Path("config")
    defaults = configuration.read_yaml(folder / "config.yaml")
    SETTINGS.update(configuration.load(folder, run.get("twin", defaults.get("twin")), run))
    for twin, chosen in SETTINGS.items():
        configuration.check_files(twin, chosen)
        place = middle_of_bounds(configuration.outline(chosen, folder / "twins"))
        CELL_OF[twin] = f"{'+'.join(chosen.sources.weather)}-{cell_id(*place)}"
        CELLS.setdefault(CELL_OF[twin], []).append(twin)
    return list(SETTINGS), configuration.clock(run.get("as_of") or defaults.get("as_of"), SETTINGS, datetime.date.today())


def alone():
    """Refuse a second run in this workspace, and clear what a killed one left: the kernel frees this lock at death."""
    if not workflow.is_main_process or not DRY.isdisjoint(sys.argv):
        return None
    lock = FileLock(".snakemake/agritwin.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError("Another run is under way in this workspace.", "Wait until it ends.") from None
    killed = list(Path(".snakemake/locks").glob("*"))
    for stale in [*killed, *(path for folder in WRITTEN for path in Path().glob(f"{folder}/.*-*") if killed)]:
        stale.unlink(missing_ok=True)
    return lock


def keep_warm(jobs):
    """Start the process in whose forks jobs find their imports done, where that pays and nobody has."""
    return job.keep_warm(Path()) if jobs > 2 and job.KEPT not in os.environ else None


def known(function):
    """Write a function's parameters down: Snakemake asks for them at every job, and finding out costs more than the call."""
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function


def of_cell(pattern):
    """The file of the cell in which a twin lies."""
    return known(lambda wildcards: pattern.format(cell=CELL_OF[wildcards.twin]))


@known
def files(wildcards, input, output):
    """The rule's names and paths. Snakemake never compares derived params, so this one starts no job."""
    named = {name: paths for group in (input, output) for name, paths in group.items() if name != "notebook"}
    return json.dumps({name: paths if isinstance(paths, str) else list(paths) for name, paths in named.items()})


def settings(*keys, **renamed):
    """The twin's values at the narrowest keys: `settings("crop")` reruns only for twins whose crop section changed."""
    named = {key.replace(".", "_"): key for key in keys} | renamed

    @known
    def values(wildcards):
        chosen = {name: configuration.at(SETTINGS[wildcards.twin], key) for name, key in named.items()}
        return json.dumps({"twin": wildcards.twin, **chosen}, sort_keys=True, ensure_ascii=False)

    return values


def cell_settings(*keys):
    """The same for a cell: of the twins that share it, the first speaks."""

    @known
    def values(wildcards):
        first = SETTINGS[CELLS[wildcards.cell][0]]
        chosen = {key.replace(".", "_"): configuration.at(first, key) for key in keys}
        place = list(cell_centre(wildcards.cell.rpartition("-")[2]))
        return json.dumps({"cell": wildcards.cell, "place": place, **chosen}, sort_keys=True)

    return values


def code(target):
    """A hash of all code that a notebook or module imports from src."""
    return fingerprint.code(target)
