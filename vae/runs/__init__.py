"""Run directories: what their files hold, how they are read and written, which there are."""
