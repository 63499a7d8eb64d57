"""Recent ways to orchestrate models: layers, skeletons, principles, structures that are found for the task."""
