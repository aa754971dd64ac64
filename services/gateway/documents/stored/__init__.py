"""How many documents an owner has, and how many bytes of files, known without counting them."""
