"""Training on what seedbed generates; torch is imported nowhere else."""
