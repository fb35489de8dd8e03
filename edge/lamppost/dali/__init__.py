"""A DALI master (IEC 62386-101 and -102) for one luminaire: bits, commands, levels, memory, one lamp's gear."""
