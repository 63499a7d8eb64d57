"""One model that thinks longer: by drafts, samples or search."""
