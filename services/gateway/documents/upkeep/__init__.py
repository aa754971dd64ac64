"""What owners do to a document as a whole: give it another title, have it read again."""
