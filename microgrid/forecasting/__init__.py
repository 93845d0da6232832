"""Forecasts of loads, sun and wind: honest baselines, a quantile model, calibration and backtests."""
