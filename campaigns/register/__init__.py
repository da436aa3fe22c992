"""People, companies, lists, what they allowed and what they forbade."""
