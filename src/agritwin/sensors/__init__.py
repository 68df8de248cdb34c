"""What sensors say: a registry that knows their columns and topics, streams read and flagged, gaps counted."""
