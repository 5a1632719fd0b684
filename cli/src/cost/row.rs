//! A component of a bill.

use super::prices::Price;

/// A component of a bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// What is paid for.
    pub component: &'static str,
    /// What it costs.
    pub price: Price,
    /// How many of the price's units it is, to a thousandth, or whole where they are many.
    pub units: f64,
}

impl Row {
    /// So many units.
    pub fn new(component: &'static str, price: Price, units: f64) -> Self {
        let units = if units >= 100.0 { units.round() } else { (units * 1_000.0).round() / 1_000.0 };
        Self { component, price, units }
    }

    /// What it costs, in whole cents of a dollar.
    pub fn dollars(&self) -> f64 {
        cents(self.units * self.price.dollars)
    }
}

/// The sum of the rows of a bill, in dollars.
pub fn total(rows: &[Row]) -> f64 {
    cents(rows.iter().map(Row::dollars).sum())
}

fn cents(dollars: f64) -> f64 {
    (dollars * 100.0).round() / 100.0
}
