"""The product as its users meet it: the commands, as processes, in a folder of their own."""
