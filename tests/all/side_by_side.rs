//! Many cases that have nothing to do with one another, on as many threads as there are cores: each starts the binary.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asks every case; a case that panics fails the test.
pub fn each<T: Sync>(cases: &[T], ask: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    ask(case);
                }
            });
        }
    });
}
