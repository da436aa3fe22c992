"""The ground of every test: see tests/support."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.scratch", "tests.support.fixtures", "tests.support.skips"]

# The machine is shared: slowness is no failure here. `make fuzz` looks longer.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("fuzz", settings.get_profile("default"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
