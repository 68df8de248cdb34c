"""The parts of the page, each from a twin's products to blocks."""
