"""The words that everyone uses: keys, tokens, addresses, principals; and the settings."""
