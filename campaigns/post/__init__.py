"""The printed magazine: how an address is laid out, and the file that the print house gets."""
