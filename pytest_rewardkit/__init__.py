"""The pytest plugin: suites of rows as tests, with gates and a readiness verdict."""
