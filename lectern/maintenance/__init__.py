"""Commands that bring back what was lost: history on its topics, read models of the gateway."""
