"""How often one may do what costs: counted for each user, client and mail address."""
