//! The README's tour, by clicking.

use crate::Test;

pub(crate) const TESTS: [(&str, Test); 0] = [];
