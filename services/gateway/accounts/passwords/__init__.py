"""Passwords: which are taken, and how they are kept.

``common_passwords.txt`` is the list of Django 5.2.19 (BSD-3-Clause), made by Royce Williams from
leaked passwords, without what the other rules refuse: those of fewer than 8 characters, and digits.
"""
