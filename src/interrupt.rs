//! Graceful shutdown: signals set a flag that is polled between units of work.
//!
//! The first Ctrl-C asks the run to save a checkpoint and end; the second one ends the process at once. Batch
//! systems send SIGTERM, SIGUSR1 or SIGUSR2 shortly before a job's time is up; they are treated like the first Ctrl-C.
//!
//! What cannot poll for long, making a network say, is done [`during`] a watch that ends the process in its place.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag;

/// Exit code after a second Ctrl-C: 128 + SIGINT, as shells have it.
pub const EXIT_AT_ONCE: i32 = 130;
/// Exit code after a signal that the run has heard.
pub const EXIT_STOPPED: i32 = 3;

/// Why the run should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: a plain `kill`, or a batch system at the end of a job's time.
    Terminate,
    /// SIGUSR1: a batch system's warning ahead of time.
    User1,
    /// SIGUSR2: the same; submitit's default.
    User2,
}

impl Signal {
    const ALL: [(i32, Signal); 4] = [
        (SIGINT, Signal::Interrupt),
        (SIGTERM, Signal::Terminate),
        (SIGUSR1, Signal::User1),
        (SIGUSR2, Signal::User2),
    ];

    /// The signal's name, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
            Signal::User1 => "SIGUSR1",
            Signal::User2 => "SIGUSR2",
        }
    }

    fn of(number: &AtomicUsize) -> Option<Self> {
        let number = number.load(Ordering::Relaxed);
        let known = Self::ALL.iter().find(|(known, _)| *known as usize == number);
        known.map(|(_, signal)| *signal)
    }
}

/// The last signal's number; 0 for none.
static LAST: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
/// The number of the last warning of a batch system, SIGUSR1 or SIGUSR2; 0 for none.
static WARNING: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
/// What is done before a watch ends the process.
static LAST_ACT: Mutex<Option<Act>> = Mutex::new(None);

/// See [`before_the_end`].
type Act = Box<dyn Fn() + Send>;

/// Starts listening. Call once, before the work begins; further calls do nothing.
///
/// # Errors
/// The operating system refuses a handler.
pub fn install() -> io::Result<()> {
    let last = Arc::new(AtomicUsize::new(0));
    if LAST.set(Arc::clone(&last)).is_err() {
        return Ok(());
    }
    let asked = Arc::new(AtomicBool::new(false));
    // Handlers run in this order: the exit reads the flag before the same signal sets it.
    flag::register_conditional_shutdown(SIGINT, EXIT_AT_ONCE, Arc::clone(&asked))?;
    for (number, _) in Signal::ALL {
        flag::register(number, Arc::clone(&asked))?;
        flag::register_usize(number, Arc::clone(&last), number as usize)?;
    }
    let warning = WARNING.get_or_init(Arc::default);
    for number in [SIGUSR1, SIGUSR2] {
        flag::register_usize(number, Arc::clone(warning), number as usize)?;
    }
    Ok(())
}

/// The signal that asks the run to end, if one has come since [`install`]. Costs one atomic load.
pub fn requested() -> Option<Signal> {
    Signal::of(LAST.get()?)
}

/// The warning that a batch system has sent ahead of the job's end, if any, whatever came after it.
pub fn warned() -> Option<Signal> {
    Signal::of(WARNING.get()?)
}

/// What is to be done before a watch ends the process ([`during`]); the last call counts.
pub fn before_the_end(act: impl Fn() + Send + 'static) {
    *LAST_ACT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
}

/// How often a watch looks.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How often a watch tells that the work still goes on.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// What is said while work that cannot poll goes on, and at its forced end.
pub struct Watch<'a> {
    /// Told every second for how many seconds the work has gone on.
    pub at_work: &'a (dyn Fn(u64) + Sync),
    /// How long after a signal the work may still end of itself.
    pub patience: Duration,
    /// The last word, which says how to go on.
    pub last_word: &'a str,
    /// Where that is said.
    pub say: &'a (dyn Fn(&str) + Sync),
}

/// Does `work` under a watch: when a signal has come and `patience` is over, the process ends with [`EXIT_STOPPED`],
/// whatever the work does at that moment. Files are written in one step, so that they stay whole, and a run goes on from
/// its last checkpoint to the same bytes.
pub fn during<T>(watch: &Watch, work: impl FnOnce() -> T) -> T {
    let (done, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || watch_over(watch, &ended));
        let result = work();
        drop(done);
        result
    })
}

fn watch_over(watch: &Watch, ended: &mpsc::Receiver<()>) {
    let start = Instant::now();
    let (mut asked, mut news): (Option<Instant>, u32) = (None, 1);
    while ended.recv_timeout(POLL_INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
        if start.elapsed() >= REPORT_INTERVAL * news {
            news += 1;
            (watch.at_work)(start.elapsed().as_secs());
        }
        if requested().is_some() && asked.get_or_insert_with(Instant::now).elapsed() >= watch.patience {
            (watch.say)(watch.last_word);
            if let Some(act) = &*LAST_ACT.lock().unwrap_or_else(PoisonError::into_inner) {
                act();
            }
            signal_hook::low_level::exit(EXIT_STOPPED); // without the destructors of what is at work
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::low_level::raise;
    use std::process::{Command, ExitStatus};

    /// Signals reach the whole process, so each case runs this same test in a process of its own.
    fn in_own_process(test: &str, case: &str) -> ExitStatus {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("interrupt::tests::{test}")])
            .env("INTERRUPT_CASE", case)
            .output()
            .unwrap()
            .status
    }

    #[test]
    fn each_signal_is_reported_and_the_process_lives_on() {
        let Ok(case) = std::env::var("INTERRUPT_CASE") else {
            for (_, signal) in Signal::ALL {
                let name = "each_signal_is_reported_and_the_process_lives_on";
                assert!(in_own_process(name, signal.name()).success());
            }
            return;
        };
        install().unwrap();
        install().unwrap();
        assert_eq!(requested(), None);
        let sent = Signal::ALL.iter().find(|(_, s)| s.name() == case).unwrap();
        raise(sent.0).unwrap();
        assert_eq!(requested(), Some(sent.1));
        let is_warning = matches!(sent.1, Signal::User1 | Signal::User2);
        assert_eq!(warned(), is_warning.then_some(sent.1));
        raise(SIGTERM).unwrap();
        assert_eq!(
            warned(),
            is_warning.then_some(sent.1),
            "a later signal does not hide a warning"
        );
    }

    #[test]
    fn work_that_does_not_poll_ends_after_a_signal_with_its_last_word() {
        if std::env::var("INTERRUPT_CASE").is_err() {
            let name = "work_that_does_not_poll_ends_after_a_signal_with_its_last_word";
            assert_eq!(in_own_process(name, "deaf").code(), Some(EXIT_STOPPED));
            return;
        }
        install().unwrap();
        let heard = AtomicBool::new(false);
        let watch = Watch {
            at_work: &|_| {},
            patience: Duration::from_millis(100),
            last_word: "stopped",
            say: &|text| heard.store(text == "stopped", Ordering::SeqCst),
        };
        assert_eq!(during(&watch, || 7), 7);
        raise(SIGTERM).unwrap();
        // an end within the watch's patience is a normal one
        assert_eq!(during(&watch, || 8), 8);
        during(&watch, || {
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(POLL_INTERVAL); // the watch ends the process long before
            }
        });
        unreachable!("the watch ends the process");
    }

    #[test]
    fn the_second_interrupt_ends_the_process_at_once() {
        if std::env::var("INTERRUPT_CASE").is_err() {
            let name = "the_second_interrupt_ends_the_process_at_once";
            assert_eq!(in_own_process(name, "twice").code(), Some(EXIT_AT_ONCE));
            return;
        }
        install().unwrap();
        raise(SIGTERM).unwrap();
        raise(SIGTERM).unwrap(); // only Ctrl-C means "now"
        raise(SIGINT).unwrap();
        unreachable!("the second request ends the process");
    }
}
