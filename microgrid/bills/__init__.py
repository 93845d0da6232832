"""The bill of a meter series under a tariff: computed from the readings alone, without any model or solver."""
