"""What the stages publish: plain JSON for the report, the app and whoever reads after us."""
