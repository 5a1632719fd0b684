//! The scenarios, each for a short while.
