"""Vegetation from satellite reflectance: masks, indices, parcel statistics, smooth seasons and their anomalies."""
