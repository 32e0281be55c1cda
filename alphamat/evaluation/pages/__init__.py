"""The forms an evaluation is written in: Markdown, and one HTML page with charts and pictures."""
