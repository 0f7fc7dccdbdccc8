"""What a model reads of each answer, a module per resource; the full JSON travels beside it as the artifact."""
