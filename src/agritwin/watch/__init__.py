"""The watch: follows readings and forecasts, tells of danger once, proposes and carries out commands."""
