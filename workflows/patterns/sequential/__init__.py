"""One step after another, with decisions between."""
