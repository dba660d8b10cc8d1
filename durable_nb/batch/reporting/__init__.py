"""One run as a page of HTML."""
