"""What runs: settings, queue actors, the web and mail entrances, the command line. No rules live here."""
