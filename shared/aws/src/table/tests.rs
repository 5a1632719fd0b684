use std::cell::Cell;

use super::*;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Contended(#[from] Contended),
    #[error("failed")]
    Failed,
}

/// After how many milliseconds each try of a change begins whose tries end so, and how the
/// change ends. The clock is virtual, and each wait is its longest.
async fn tries(results: Vec<Result<Option<u8>, Failure>>) -> (Vec<u128>, Result<u8, Failure>) {
    let (clock, mut results) = (Cell::new(Duration::ZERO), results.into_iter());
    let mut tries = Vec::new();
    let sleep = |wait| {
        clock.set(clock.get() + wait);
        std::future::ready(())
    };
    let changed = change_after(waits_after_conflict(|| 1.0), sleep, || {
        tries.push(clock.get().as_millis());
        std::future::ready(results.next().unwrap_or(Ok(Some(7))))
    });
    let changed = changed.await;
    (tries, changed)
}

#[tokio::test]
async fn only_conflicts_are_tried_again_after_a_wait_and_not_forever() {
    let conflicts = |count| std::iter::repeat_with(|| Ok(None)).take(count).collect();
    let all = [0, 50, 250, 750, 1_250, 1_750, 2_250, 2_750, 3_250, 3_750];
    for count in 0..all.len() {
        assert_eq!(tries(conflicts(count)).await, (all[..=count].to_vec(), Ok(7)), "{count} conflicts");
    }
    assert_eq!(tries(conflicts(20)).await, (all.to_vec(), Err(Failure::Contended(Contended))));
    assert_eq!(tries(vec![Err(Failure::Failed)]).await, (vec![0], Err(Failure::Failed)));
    assert_eq!(tries(vec![Ok(None), Err(Failure::Failed)]).await, (vec![0, 50], Err(Failure::Failed)));
}
