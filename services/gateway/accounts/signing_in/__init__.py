"""Being logged in: sessions, the cookies that stand for them, and requests of other sites."""
