"""The graph of a notebook's steps: as data, and drawn as text, Mermaid and SVG."""
