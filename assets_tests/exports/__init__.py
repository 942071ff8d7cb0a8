"""Tests of `factroots_dagster.exports`."""
