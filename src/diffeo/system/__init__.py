"""What diffeo needs of the machine and of people's terminals: files, memory, threads, warnings. It knows no flows."""
