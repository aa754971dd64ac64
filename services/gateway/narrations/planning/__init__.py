"""What is made next for narrations: page by page, and the audiobook at the end."""
