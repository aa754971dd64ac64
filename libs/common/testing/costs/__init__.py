"""What code costs: processor time under hostile text, and time for which it holds an event loop."""
