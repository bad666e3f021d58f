"""The audit: what a trained algorithm's answers depend on, found out by asking it in other ways."""
