"""What generated portraits are asked for and written into: arrays to files."""
