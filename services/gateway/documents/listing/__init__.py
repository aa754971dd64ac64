"""How documents are found again: their titles as they are searched and sorted, place by place."""
