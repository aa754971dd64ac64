"""Public links of a document, as its owner makes and revokes them."""
