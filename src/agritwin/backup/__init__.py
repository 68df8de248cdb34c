"""One file that holds a workspace: records, cubes, what was sent, configuration; written, verified, restored."""
