"""The pages of a document as a whole: another one is added, or they are put in another order."""
