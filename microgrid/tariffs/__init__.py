"""What a kWh and a kW cost, when, by contract: tariffs as data. Knows no model and no solver."""
