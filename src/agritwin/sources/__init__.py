"""Providers of open data, one module each, behind one interface."""
