"""The HTTP interface: DTBase's endpoints, SensorThings and OGC Features for reading, downloads, uploads, jobs."""
