"""What if: scenarios of an orchard's season, run as jobs that can be paused, resumed, stopped and deleted."""
