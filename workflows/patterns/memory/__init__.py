"""What earlier runs left, brought to bear on this one: rules, episodes, facts, gists, a person's voice."""
