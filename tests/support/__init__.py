"""What tests stand on: servers that live and die with the run, short folders, a closed network."""
