//! Classic control problems, re-implemented exactly.
