"""The steps that tell no story: fetch and pin. Each module is one step of the DAG and runs as ``python -m``."""
