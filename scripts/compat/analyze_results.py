#!/usr/bin/env python3
"""analyze_results.py: `inferbench analyze` under its old name, with the same options."""

import run_inferbench

run_inferbench.run("analyze")
