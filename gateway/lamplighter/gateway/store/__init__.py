"""What outlives a restart: the outbox, the ledger, and a cabinet's backup."""
