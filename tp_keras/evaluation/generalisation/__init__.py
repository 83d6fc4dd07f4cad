"""What a run loses on portraits of other origin, and by what."""
