//! How far a run is, for a person who waits: a bar on stderr, on a terminal, and not before it takes a while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A run that is over by then shows nothing, as a bar that flashes up tells nobody anything.
const DELAY: Duration = Duration::from_millis(300);

/// The bar, where there is one.
#[derive(Debug)]
pub struct Progress(Option<Bar>);

#[derive(Debug)]
struct Bar {
    drawn: ProgressBar,
    began: Instant,
    shown: AtomicBool,
}

impl Progress {
    /// A bar of `length` steps; none where stderr is no terminal or nobody wants one.
    pub fn new(length: usize, unwanted: bool) -> Self {
        // Hidden by itself where stderr is no terminal, so that asking is all there is to do.
        if unwanted || ProgressDrawTarget::stderr().is_hidden() {
            return Self(None);
        }
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(Bar { drawn: bar, began: Instant::now(), shown: AtomicBool::new(false) }))
    }

    /// One step more.
    pub fn advance(&self) {
        let Some(Bar { drawn, began, shown }) = &self.0 else { return };
        drawn.inc(1);
        if !shown.load(Ordering::Relaxed) && began.elapsed() >= DELAY && !shown.swap(true, Ordering::Relaxed)
        {
            drawn.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Does what prints, without the bar in its way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(Bar { drawn, shown, .. }) if shown.load(Ordering::Relaxed) => drawn.suspend(print),
            _ => print(),
        }
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        if let Some(Bar { drawn, .. }) = &self.0 {
            drawn.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    /// An error that ends the run must not leave the bar behind.
    fn drop(&mut self) {
        self.finish();
    }
}
