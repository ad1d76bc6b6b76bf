"""Fixtures, fakes and builders that tests of several members share."""
