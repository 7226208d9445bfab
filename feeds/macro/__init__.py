"""Yields, inflation and jobs from public sources: asked slowly, kept, and shown with their age."""
