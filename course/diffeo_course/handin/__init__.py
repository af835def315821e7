"""Handing in: reading what students send, packing it, grading a folder of it, comparing it."""
