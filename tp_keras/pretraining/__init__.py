"""A backbone that learns without any label, and what that is worth."""
