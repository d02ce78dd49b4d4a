//! The settlement: one run of a policy over one pool and period, step by step, in integers.
