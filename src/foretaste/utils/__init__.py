"""Small tools every floor may use: parameter checks, progress, random generators, threads."""
