#!/usr/bin/env python3
"""merge_results.py: `inferbench merge` under its old name, with the same options."""

import run_inferbench

run_inferbench.run("merge")
