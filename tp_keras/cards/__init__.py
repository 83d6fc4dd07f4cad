"""Cards of model and data set, and the one report, from records alone."""
