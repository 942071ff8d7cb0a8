"""When the graph is refreshed: jobs, sensors, schedules and automation conditions."""
