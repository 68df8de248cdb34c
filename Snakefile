# One twin, one YAML, one DAG: `snakemake --config twin=<id>[,<id>...|all]`.
from pathlib import Path

from snakemake.exceptions import WorkflowError

from agritwin.errors import AgritwinError


include: "workflow/rules/common.smk"


try:
    TWINS, AS_OF = prepare(config)
    RUN_LOCK, WARM = alone(), []
except AgritwinError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    twin="[^/]+",
    cell="[^/]+",


onstart:
    WARM.append(keep_warm(len(workflow.dag)))


localrules:
    all,
    observe,
    records,
    models,
    simulations,


rule all:
    input:
        expand("reports/{twin}/{language}.html", twin=TWINS, language=["es", "en"]),


include: "workflow/rules/observe.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/report.smk"


fingerprint.remember()


# Targets to stop at: a refresh is `snakemake observe --config as_of=<date>`, then `snakemake`.
rule observe:
    input:
        expand("data/twins/{twin}/{pin}.json", twin=TWINS, pin=PINS),


rule records:
    input:
        expand("results/{twin}/records.json", twin=TWINS),


rule models:
    input:
        expand("results/{twin}/{product}.json", twin=TWINS, product=["forecast", "yield"]),


rule simulations:
    input:
        expand("results/{twin}/{product}.json", twin=TWINS, product=["crop", "flood"]),
