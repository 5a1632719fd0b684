//! Events: pushed by apps, sampled, tested and rejected.

mod identity;
mod push_limit;
mod pushes;
mod rejected;
mod samples;
mod test_events;
