"""A student's program in a process of its own: limits, and the little that passes in and out.

The process only computes: inputs go in, results come out as tensors. What is right is known to the process that started
it alone, so this package imports nothing of :mod:`diffeo_course.grading`. Imports inside it are relative: the process
runs a copy of it, written from memory for each program.
"""
