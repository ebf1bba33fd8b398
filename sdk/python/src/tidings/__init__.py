"""Start long jobs, follow them honestly, and write the workers that do them."""
