from tests.register.conftest import register, sqlite_register

__all__ = ["register", "sqlite_register"]
