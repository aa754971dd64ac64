"""PDF -> pages: fragments -> furniture -> columns -> paragraphs -> stitch, driven by reader."""
