"""What a model's factors mean: maps, named directions, neighbourhoods, and what retraining moved."""
