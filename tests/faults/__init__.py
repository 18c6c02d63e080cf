"""Real faults: brokers, connections, disks and storages that fail while work is under way."""
