"""The whole main job on one machine, with made-up people, real processes and a real mail sink."""
