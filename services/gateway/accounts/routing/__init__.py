"""Where requests about accounts go, and the pages behind links in mails."""
