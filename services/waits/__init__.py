"""What is of the moment, for every answer and screen: waits, reasons, and what of them goes on record."""
