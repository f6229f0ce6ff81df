"""The structure of a project's pages: where each one belongs, who sees it, and the way to it."""
