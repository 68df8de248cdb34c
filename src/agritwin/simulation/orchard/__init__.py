"""The orchard: water of soil and trees, stages, frost and yield, over an ensemble of members."""
