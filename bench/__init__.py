"""Measurements of Lectern, as ratios against the raw engine or client in the same run."""
