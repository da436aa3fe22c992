"""From a template folder to the octets of a message. Pure: no database, no network, no clock."""
