//! Circles of arrows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::crate_files::Arrows;

/// A shortest circle, as `a -> b -> a`, for each group of files that use each other in circles.
pub(super) fn circles(arrows: &Arrows) -> Vec<String> {
    let reachable: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|start| (start.as_str(), ways(arrows, start).into_keys().collect())).collect();
    let (mut circles, mut known) = (Vec::new(), BTreeSet::new());
    for (start, others) in &reachable {
        if known.contains(start) {
            continue;
        }
        let leads_back = |other: &&&str| reachable.get(**other).is_some_and(|others| others.contains(start));
        let group: BTreeSet<&str> = others.iter().filter(leads_back).copied().collect();
        let shortest = group.iter().filter_map(|file| way_back(arrows, file)).min_by_key(Vec::len);
        circles.extend(shortest.map(|circle| match group.len() - (circle.len() - 1) {
            0 => circle.join(" -> "),
            more => format!("{} (and {more} more in circles with them)", circle.join(" -> ")),
        }));
        known.extend(group);
    }
    circles
}

/// The arrows between rooms: the folders directly under the crate's own folder. A file beside them
/// is no room: `app.rs` may hold what the rooms offer, while their routes take it.
pub(super) fn between_rooms(arrows: &Arrows, root: &str) -> Arrows {
    let mut rooms = Arrows::new();
    for (from, to) in arrows.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        if let (Some(from), Some(to)) = (room_of(from, root), room_of(to, root))
            && from != to
        {
            rooms.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
    }
    rooms
}

/// The room that a file is in: `delivery` of `src/delivery/id.rs`. A file of the crate's own folder
/// is in none.
pub(super) fn room_of<'a>(file: &'a str, root: &str) -> Option<&'a str> {
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    let inside = file.strip_prefix(folder)?.trim_start_matches('/');
    Some(inside.split_once('/')?.0)
}

/// A shortest way from a file back to itself.
fn way_back(arrows: &Arrows, start: &str) -> Option<Vec<String>> {
    let ways = ways(arrows, start);
    let mut way = vec![start.to_owned()];
    let mut at = *ways.get(start)?;
    while at != start {
        way.push(at.to_owned());
        at = ways[at];
    }
    way.push(start.to_owned());
    way.reverse();
    Some(way)
}

/// What can be reached from a file, each with the file before it on a shortest way.
fn ways<'a>(arrows: &'a Arrows, start: &str) -> BTreeMap<&'a str, &'a str> {
    let mut ways = BTreeMap::new();
    let Some((start, _)) = arrows.get_key_value(start) else { return ways };
    let mut waiting = VecDeque::from([start.as_str()]);
    while let Some(at) = waiting.pop_front() {
        for next in arrows.get(at).into_iter().flatten() {
            if !ways.contains_key(next.as_str()) {
                ways.insert(next.as_str(), at);
                waiting.push_back(next);
            }
        }
    }
    ways
}
