"""What people see: pure functions from data to Bokeh figures and plain tables, in Spanish and English."""
