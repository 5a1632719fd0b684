//! The chart: stacked bars of an hour or a day, the same numbers as a table, and a line that says
//! what they show.
//!
//! It draws four states: delivered, retrying, held and dead. Deliveries that wait for their first
//! attempt or were cancelled are in the table.

use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use storehook_domain::{
    history::{
        state::DeliveryState,
        timeline::{Range, Slot, Timeline},
    },
    words::number::{count, deliveries},
};

use crate::panel::look::state::state;

/// The states that have a colour, from the bottom of a bar to its top.
const DRAWN: [DeliveryState; 4] =
    [DeliveryState::Delivered, DeliveryState::Retrying, DeliveryState::Held, DeliveryState::Dead];

const WIDTH: u64 = 720;
const HEIGHT: u64 = 160;
/// The room for the words below the bars.
const WORDS: u64 = 20;

/// The chart of a timeline.
pub(crate) fn chart(timeline: &Timeline, range: Range, zone: &TimeZone) -> Markup {
    let slots = timeline.slots();
    let highest = slots.iter().map(drawn).max().unwrap_or_default().max(1);
    let label = |slot: &Slot| label(slot.start, range, zone);
    html! {
        p id="chart-text" { (words(timeline, range, zone)) }
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT + WORDS) } role="img" aria-labelledby="chart-text" {
            @for (index, slot) in slots.iter().enumerate() { (bar(index as u64, slots.len() as u64, slot, highest)) }
            line x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
            @if let (Some(first), Some(last)) = (slots.first(), slots.last()) {
                text x="0" y=(HEIGHT + 14) { (label(first)) }
                text x=(WIDTH) y=(HEIGHT + 14) text-anchor="end" { (label(last)) }
            }
        }
        ul.legend aria-label="Colours" { @for drawn in DRAWN { li { (state(drawn.as_str())) } } }
        details {
            summary { "The same as a table" }
            div.scroll tabindex="0" role="region" aria-label="Deliveries over time, as a table" {
                table {
                    thead {
                        tr {
                            th scope="col" { "From" }
                            @for state in DeliveryState::ALL { th.number scope="col" { (state.as_str()) } }
                        }
                    }
                    tbody {
                        @for slot in slots.iter().rev() {
                            tr {
                                th scope="row" { (label(slot)) }
                                @for (_, number) in slot.stats.counts() { td.number { (count(number)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The bar of a slot. The highest one fills the chart.
fn bar(index: u64, slots: u64, slot: &Slot, highest: u64) -> Markup {
    let width = WIDTH / slots.max(1);
    let mut top = HEIGHT;
    html! {
        @for state in DRAWN {
            @let number = slot.stats.of(state);
            @if number > 0 {
                // Even one delivery shows.
                @let height = (number * (HEIGHT - 4) / highest).max(2).min(top);
                @let y = { top -= height; top };
                rect class=(state.as_str()) x=(index * width + 1) y=(y) width=(width - 2) height=(height) {}
            }
        }
    }
}

fn drawn(slot: &Slot) -> u64 {
    DRAWN.iter().map(|state| slot.stats.of(*state)).sum()
}

/// What the chart shows, in words.
fn words(timeline: &Timeline, range: Range, zone: &TimeZone) -> String {
    let unit = match range {
        Range::Day => "hour",
        Range::Month => "day",
    };
    let total: u64 = timeline.slots().iter().map(|slot| slot.stats.total()).sum();
    let busiest = timeline.slots().iter().max_by_key(|slot| slot.stats.total());
    match busiest {
        Some(busiest) if total > 0 => {
            let most = deliveries(busiest.stats.total());
            format!(
                "Deliveries by the {unit} in which they were queued. The busiest {unit}, from {}, had {most}.",
                label(busiest.start, range, zone)
            )
        }
        _ => format!("Deliveries by the {unit} in which they were queued. There were none."),
    }
}

fn label(start: Timestamp, range: Range, zone: &TimeZone) -> String {
    let local = start.to_zoned(zone.clone());
    let pattern = match range {
        Range::Day => "%a %H:%M",
        Range::Month => "%b %-d",
    };
    local.strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_the_table_and_the_words_tell_the_same() -> Result<(), Box<dyn std::error::Error>> {
        let now: Timestamp = "2026-11-21T15:30:00Z".parse()?;
        let mut timeline = Timeline::empty(Range::Day, now, &TimeZone::UTC);
        for state in [
            DeliveryState::Delivered,
            DeliveryState::Delivered,
            DeliveryState::Dead,
            DeliveryState::Cancelled,
        ] {
            timeline.count(now, state);
        }
        let chart = chart(&timeline, Range::Day, &TimeZone::UTC).into_string();
        assert!(chart.contains("The busiest hour, from Sat 15:00, had 4 deliveries."), "{chart}");
        // Two of three drawn deliveries are delivered: 104 of 156 units, from the bottom.
        assert!(
            chart.contains(r#"<rect class="delivered" x="691" y="56" width="28" height="104">"#),
            "{chart}"
        );
        assert!(chart.contains(r#"<rect class="dead" x="691" y="4" width="28" height="52">"#), "{chart}");
        assert_eq!(chart.matches("<rect").count(), 2);
        Ok(())
    }
}
