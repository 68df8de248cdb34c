"""Run one notebook under its contract: ``python -m agritwin.notebook NOTEBOOK EXECUTED FILES SETTINGS``.

The names of the rule (inputs, outputs, settings) are the notebook's parameters; one more or one less is refused. The
notebook runs through papermill with an engine inside this process, since starting a kernel costs more than most
notebooks do. The executed copy is a log: kept when a cell fails, with the error in it.
"""

import ast
import contextlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agritwin.errors import AgritwinError, ConfigError

if TYPE_CHECKING:
    import nbformat

# Papermill imports these when they are there, for clouds and formats that no notebook here uses; jupyter-events pulls
# in rfc3987_syntax, whose grammars take a second to compile and check nothing that local notebooks hold.
UNUSED = ("rfc3987_syntax", "boto3", "gcsfs", "pyarrow.fs", "github", "azure")
ENGINE = "in_process"
BACKEND = "module://matplotlib_inline.backend_inline"


def parameters(notebook: "nbformat.NotebookNode | dict[str, Any]") -> dict[str, Any]:
    """Return the literal assignments of a notebook's cell that is tagged ``parameters``.

    Raises
    ------
    ConfigError
        When there is no such cell, or it holds anything but literals.
    """
    cells = [cell for cell in notebook["cells"] if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(cells) != 1:
        raise ConfigError(f"{len(cells)} cells are tagged 'parameters'.", "Tag exactly one.")
    source = cells[0]["source"]
    values = {}
    for node in ast.parse(source if isinstance(source, str) else "".join(source)).body:
        try:
            if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
                raise ValueError
            values[node.targets[0].id] = ast.literal_eval(node.value)
        except ValueError as error:
            raise ConfigError(
                f"The parameters cell holds more than literals: {ast.unparse(node)}.", "Assign plain values."
            ) from error
    return values


def run(notebook: Path, executed: Path, values: dict[str, Any]) -> None:
    """Execute a notebook with parameters and keep the executed copy.

    Parameters
    ----------
    notebook
        The template.
    executed
        Where the executed copy goes.
    values
        One value for each parameter, no more and no less.

    Raises
    ------
    ConfigError
        When names do not agree.
    AgritwinError
        The one that a cell raised.
    """
    declared = parameters(json.loads(notebook.read_text(encoding="utf-8"))).keys()
    if declared != values.keys():
        missing, unknown = sorted(declared - values.keys()), sorted(values.keys() - declared)
        raise ConfigError(
            f"{notebook} and its rule disagree: the rule lacks {missing}, the notebook lacks {unknown}.",
            "Give the rule's inputs, outputs and settings the names of the notebook's parameters.",
        )
    # The workflow runs a notebook a core; several BLAS threads in each only get in one another's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with without_unused():
        import papermill
        from papermill.engines import papermill_engines
    papermill_engines.register(ENGINE, _engine())
    executed.parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(
        str(notebook),
        str(executed),
        values,
        engine_name=ENGINE,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        log_output=False,
        report_mode=False,
    )


@contextlib.contextmanager
def without_unused() -> Iterator[None]:
    """Import papermill without what it would import for uses that this project does not have."""
    blocked = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  (None makes an import fail)
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]


def _engine() -> type:
    from papermill.engines import Engine

    class InProcessEngine(Engine):
        """Papermill engine that runs cells in an IPython shell of this process."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
            """Run the cells in order; the first that fails ends the run and keeps its error."""
            shell = _shell()
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, index)
                if cell.cell_type == "code" and cell.source.strip():
                    cell.execution_count = shell.execution_count
                    cell.outputs, error = _run_cell(shell, cell.source)
                    if error is not None:
                        nb_man.cell_exception(cell, cell_index=index, exception=error)
                        raise error
                nb_man.cell_complete(cell, cell_index=index)

    return InProcessEngine


def _shell() -> Any:
    os.environ["MPLBACKEND"] = BACKEND
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class ResultHook(DisplayHook):
        """Publish a cell's last value like any display, so that one capture holds them all."""

        def write_output_prompt(self) -> None:
            pass

        def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
            assert self.shell is not None
            self.shell.display_pub.publish(format_dict, md_dict)

    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.displayhook_class = ResultHook  # type: ignore[assignment]  (a trait)
    shell = InteractiveShell.instance(config=config)
    shell.reset(new_session=False)
    return shell


def _run_cell(shell: Any, source: str) -> tuple[list, BaseException | None]:
    import nbformat.v4 as v4
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        result = shell.run_cell(source, store_history=True)
        _show_figures()
    outputs = []
    if captured.stdout:
        outputs.append(v4.new_output("stream", name="stdout", text=captured.stdout))
    if captured.stderr:
        outputs.append(v4.new_output("stream", name="stderr", text=captured.stderr))
    outputs.extend(
        v4.new_output("display_data", data=shown.data, metadata=shown.metadata or {}) for shown in captured.outputs
    )
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        trace = traceback.format_exception(error)
        outputs.append(v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=trace))
    return outputs, error


def _show_figures() -> None:
    # Only where a cell imported pyplot: what the kernel's inline support does after each cell.
    if "matplotlib.pyplot" in sys.modules:
        from matplotlib_inline.backend_inline import show

        show(close=True)


def main(arguments: list[str] | None = None) -> int:
    """Run a notebook from the command line; the exit code is 2 for an error that names its remedy."""
    notebook, executed, *mappings = sys.argv[1:] if arguments is None else arguments
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    values: dict[str, Any] = {}
    for mapping in mappings:
        values |= json.loads(mapping)
    try:
        run(Path(notebook), Path(executed), values)
    except AgritwinError as error:
        sys.stderr.write(f"{notebook}: {error}\nThe executed notebook is {executed}.\n")
        return 2
    except Exception:  # noqa: BLE001 (whatever a cell raised: shown whole, since it is a defect)
        traceback.print_exc()
        sys.stderr.write(f"The executed notebook is {executed}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
