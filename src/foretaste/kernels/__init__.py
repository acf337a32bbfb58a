"""Loops over arrays, compiled: arrays in, arrays out, the formula above the loop, and nothing else."""
