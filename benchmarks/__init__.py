"""Seconds, peak memory and accuracy of foretaste, beside those of other libraries.

``python -m benchmarks`` runs every row of `rows`; `docs/benchmarks.md` says what is measured, how, and what came out.
"""
