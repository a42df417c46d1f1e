#!/usr/bin/env python3
"""offline_benchmark.py: `inferbench offline` under its old name, with the same options."""

import run_inferbench

run_inferbench.run("offline")
