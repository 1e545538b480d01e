"""What a statement is, and how a visitor prints it. Pure: no driver, no event loop, no models."""
