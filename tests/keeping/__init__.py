"""Backup and restore, retention, the notice."""
