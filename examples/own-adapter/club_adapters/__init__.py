"""What our club wants otherwise: mails in one file, pictures in another, accounts in one that we can read."""
