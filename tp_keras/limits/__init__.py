"""Where answers stop to hold: portraits made worse step by step."""
