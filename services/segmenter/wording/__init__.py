"""What a reader would say: numbers, abbreviations, symbols, by language."""
