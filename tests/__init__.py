"""Tests of Utskick; real components, no mocks."""
