"""Every pattern as its mechanism says, on models whose answers are known."""
