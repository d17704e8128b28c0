"""The pages of an account: coming in, passwords, and what belongs to it."""
