"""Code that services share; it knows none of them."""
