"""What is spoken of a page, and when each part of it is heard."""
